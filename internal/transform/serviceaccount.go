package transform

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// serviceAccount removes references to Secrets that the source made for the account: its token, and on OpenShift its
// credentials for the internal registry. The destination makes its own under other names.
type serviceAccount struct{}

func (serviceAccount) Name() string { return "ServiceAccount" }

func (serviceAccount) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != serviceAccountKind {
		return false, nil
	}
	changed := field.RemoveAnnotations(obj, "openshift.io/internal-registry-pull-secret-ref")
	for _, key := range []string{"secrets", "imagePullSecrets"} {
		changed = removeGenerated(obj, key) || changed
	}
	return changed, nil
}

func removeGenerated(obj *unstructured.Unstructured, key string) bool {
	references := field.List(obj.Object, key)
	kept := slices.DeleteFunc(slices.Clone(references), func(reference any) bool {
		object, _ := reference.(map[string]any)
		return isGenerated(field.String(object, "name"), obj.GetName())
	})
	if len(kept) == len(references) {
		return false
	}
	if obj.Object[key] = kept; len(kept) == 0 {
		delete(obj.Object, key)
	}
	return true
}

// isGenerated tells whether a Secret's name is one that controllers generate: the account's name, what it is, and five
// characters.
func isGenerated(secret, account string) bool {
	rest, ok := strings.CutPrefix(secret, account+"-")
	if !ok {
		return false
	}
	for _, what := range []string{"token-", "dockercfg-"} {
		if random, ok := strings.CutPrefix(rest, what); ok {
			return len(random) == 5 && !strings.ContainsFunc(random, isNotRandom)
		}
	}
	return false
}

func isNotRandom(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
