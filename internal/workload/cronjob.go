package workload

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

var cronJobKind = schema.GroupKind{Group: "batch", Kind: "CronJob"}

// specSuspend stops CronJobs and Jobs. Absent means false there.
func specSuspend() fieldSwitch {
	return fieldSwitch{path: "spec.suspend", keys: []string{"spec", "suspend"}, suspended: true}
}

// cronJob stops a CronJob by spec.suspend.
type cronJob struct{}

func (cronJob) suspend(obj *unstructured.Unstructured) (bool, error) {
	return specSuspend().suspend(obj)
}

// restore keeps the memo of a CronJob that was suspended on purpose: it tells it from one that Stork suspended, also when
// it is resumed once more.
func (cronJob) restore(obj *unstructured.Unstructured) (bool, error) {
	s := specSuspend()
	if remembered, ok := s.memo(obj); ok {
		original, err := s.parse(remembered.original)
		current, _, _ := s.current(obj)
		if err == nil && original == true && current == true {
			return false, nil
		}
	}
	return s.restore(obj)
}

// resumeForgottenCronJob resumes a CronJob that a Migration brought and that has no memo.
func resumeForgottenCronJob(obj *unstructured.Unstructured) (bool, error) {
	if obj.GroupVersionKind().GroupKind() != cronJobKind {
		return false, nil
	}
	s := specSuspend()
	if _, remembered := s.memo(obj); remembered {
		return false, nil
	}
	value, _ := field.Annotation(obj, storkv1alpha1.AnnotationMigrated)
	if migrated, _ := strconv.ParseBool(value); !migrated {
		return false, nil
	}
	current, _, err := field.Get(obj.Object, s.keys...)
	if err != nil || current != true {
		return false, err
	}
	return true, field.Set(obj.Object, false, s.keys...)
}
