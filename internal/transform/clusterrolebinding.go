package transform

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// Service accounts appear as users and groups of these names followed by their namespace.
const (
	serviceAccountUser  = "system:serviceaccount:"
	serviceAccountGroup = "system:serviceaccounts:"
)

// clusterRoleBinding reduces the subjects to service accounts of migrated namespaces, in all three forms that they have, as
// Stork does. Users and other groups get nothing at the destination that its own administrator has not given them.
type clusterRoleBinding struct {
	namespaces map[string]string
}

func (clusterRoleBinding) Name() string { return "ClusterRoleBinding" }

func (c clusterRoleBinding) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != clusterRoleBindingKind {
		return false, nil
	}
	subjects := field.List(obj.Object, "subjects")
	kept := slices.DeleteFunc(slices.Clone(subjects), func(subject any) bool {
		object, _ := subject.(map[string]any)
		_, migrated := c.namespaces[subjectNamespace(object)]
		return !migrated
	})
	if len(kept) == len(subjects) {
		return false, nil
	}
	obj.Object["subjects"] = kept
	return true, nil
}

// subjectNamespace is the namespace of the service accounts that a subject stands for; empty for other subjects.
func subjectNamespace(subject map[string]any) string {
	name := field.String(subject, "name")
	switch field.String(subject, "kind") {
	case "ServiceAccount":
		return field.String(subject, "namespace")
	case "User":
		if rest, ok := strings.CutPrefix(name, serviceAccountUser); ok {
			namespace, _, _ := strings.Cut(rest, ":")
			return namespace
		}
	case "Group":
		if namespace, ok := strings.CutPrefix(name, serviceAccountGroup); ok {
			return namespace
		}
	}
	return ""
}
