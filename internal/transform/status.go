package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// status removes the status of all objects but custom resources whose registration says keepStatus.
type status struct {
	registrations workload.Registrations
}

func (status) Name() string { return "" }

func (s status) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if _, ok := obj.Object["status"]; !ok {
		return false, nil
	}
	if resource, _ := s.registrations.Lookup(source.GroupVersionKind); resource.KeepStatus {
		return false, nil
	}
	return field.Remove(obj.Object, "status"), nil
}
