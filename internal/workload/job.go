package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// job stops a Job by spec.suspend, which deletes its pods. One that has finished runs nothing and is left alone.
type job struct{}

func (job) suspend(obj *unstructured.Unstructured) (bool, error) {
	if JobFinished(obj) {
		return false, nil
	}
	return specSuspend().suspend(obj)
}

func (job) restore(obj *unstructured.Unstructured) (bool, error) { return specSuspend().restore(obj) }

// JobFinished tells whether the status of a Job says that it has completed or failed.
func JobFinished(obj *unstructured.Unstructured) bool {
	for condition := range field.Maps(field.Map(obj.Object, "status"), "conditions") {
		kind := field.String(condition, "type")
		if (kind == "Complete" || kind == "Failed") && field.String(condition, "status") == "True" {
			return true
		}
	}
	return false
}
