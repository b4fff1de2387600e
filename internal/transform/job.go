package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// job removes the generated selector of a Job and the labels that go with it: the destination generates its own from the new
// UID and refuses others. A selector that the user made (manualSelector) stays.
//
// A Job that has finished must not run a second time because it was copied: it is suspended, and nothing remembers that it could
// be resumed.
type job struct{}

func (job) Name() string { return "Job" }

func (job) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != jobKind {
		return false, nil
	}
	changed := field.RemoveLabels(obj, generatedJobLabels()...)
	spec := field.Map(obj.Object, "spec")
	if spec["manualSelector"] != true {
		changed = field.Remove(spec, "selector") || changed
		for _, label := range append(generatedJobLabels(), "job-name", "batch.kubernetes.io/job-name") {
			changed = field.RemoveAndPrune(spec, "template", "metadata", "labels", label) || changed
		}
	}
	if !workload.JobFinished(obj) || spec["suspend"] == true {
		return changed, nil
	}
	return true, field.Set(obj.Object, true, "spec", "suspend")
}

func generatedJobLabels() []string {
	return []string{"controller-uid", "batch.kubernetes.io/controller-uid"}
}
