package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// serviceAccountToken removes the token from Secrets that hold one. It is worth nothing in another cluster, whose controller
// makes its own and deletes the Secret if the UID of its service account is another one's.
type serviceAccountToken struct{}

func (serviceAccountToken) Name() string { return "ServiceAccountToken" }

func (serviceAccountToken) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != secretKind || field.String(obj.Object, "type") != "kubernetes.io/service-account-token" {
		return false, nil
	}
	changed := field.RemoveAnnotations(obj, "kubernetes.io/service-account.uid")
	for _, key := range []string{"token", "ca.crt", "service-ca.crt", "namespace"} {
		changed = field.RemoveAndPrune(obj.Object, "data", key) || changed
	}
	// The first is a date of the source; a Secret with the second is on its way to be deleted.
	return field.RemoveLabels(obj, "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since") || changed, nil
}
