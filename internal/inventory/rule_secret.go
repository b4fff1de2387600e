package inventory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// generatedSecrets are the prefixes of the Secrets that a cluster makes for the service accounts of each namespace.
var generatedSecrets = []string{
	"builder-dockercfg-", "builder-token-",
	"default-dockercfg-", "default-token-",
	"deployer-dockercfg-", "deployer-token-",
}

// secretRule leaves out what the destination generates by itself. All else is the application's, with Helm's releases and the
// tokens of other service accounts, which somebody may mount by name.
func secretRule(secret *unstructured.Unstructured, _ *facts) verdict {
	return keepIf(!slices.ContainsFunc(generatedSecrets, func(prefix string) bool {
		return strings.HasPrefix(secret.GetName(), prefix)
	}))
}
