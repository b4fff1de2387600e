package inventory

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/version"
)

// negotiate returns the version in which a resource is read, so that the destination understands it: the source's preferred one
// if both serve it, otherwise the best that both serve by Kubernetes' order of versions. Where there is none it is the preferred
// one. The notice, empty if there is nothing to tell, is worth telling only if there are objects of the kind.
//
// destination is nil where the destination does not serve the resource. definitionComes says that it is brought along.
func negotiate(source Resource, destination *Resource, definitionComes bool) (chosen, notice string) {
	preferred := source.Versions[0]
	if destination == nil {
		if definitionComes {
			return preferred, ""
		}
		return preferred, fmt.Sprintf("%s: the destination does not serve this kind", source.GroupKind())
	}
	common := slices.DeleteFunc(slices.Clone(source.Versions), func(v string) bool {
		return !slices.Contains(destination.Versions, v)
	})
	switch {
	case len(common) == 0:
		return preferred, fmt.Sprintf("%s: the source serves %s and the destination only %s, so it is read as %s, which may be refused",
			source.GroupKind(), strings.Join(source.Versions, ", "), strings.Join(destination.Versions, ", "), preferred)
	case slices.Contains(common, preferred):
		return preferred, ""
	default:
		best := slices.MaxFunc(common, version.CompareKubeAwareVersionStrings)
		return best, fmt.Sprintf("%s: read as %s and not as %s, because the destination does not serve %s",
			source.GroupKind(), best, preferred, preferred)
	}
}
