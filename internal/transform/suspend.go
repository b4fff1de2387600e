package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload"
)

// resume undoes an earlier suspension as far as it was remembered. An object that somebody suspended stays suspended.
type resume struct {
	registrations workload.Registrations
	// reported tells that this is the result and not only what suspend starts from.
	reported bool
}

func (r resume) Name() string {
	if r.reported {
		return "Resume"
	}
	return ""
}

func (r resume) Transform(obj *unstructured.Unstructured, _ Source) (bool, error) {
	return workload.Restore(obj, r.registrations)
}

// suspend stops whatever the object would run at the destination. A custom resource that is stashed does not run there.
type suspend struct {
	registrations workload.Registrations
}

func (suspend) Name() string { return "Suspend" }

func (s suspend) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if isStashed(s.registrations, source) {
		return false, nil
	}
	return workload.Suspend(obj, s.registrations)
}
