package inventory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// serviceAccountRule leaves out the service accounts that every namespace has by itself, unless somebody gave them a pull secret
// besides the one that OpenShift makes.
func serviceAccountRule(account *unstructured.Unstructured, _ *facts) verdict {
	name := account.GetName()
	switch name {
	case "default", "builder", "deployer":
		return keepIf(slices.ContainsFunc(elements(account.Object, "imagePullSecrets"), func(secret map[string]any) bool {
			return !strings.HasPrefix(text(secret, "name"), name+"-dockercfg")
		}))
	}
	return keep
}
