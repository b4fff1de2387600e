package inventory

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// coreGroup is how Stork writes the name of the core API group, which is empty.
const coreGroup = "core"

// typeName is how a user names kinds: by kind, plural, singular or short name, with .group or, for all groups, without.
type typeName struct {
	name, group string
	anyGroup    bool
}

func parseTypeName(text string) typeName {
	// Neither a kind nor the name of a resource has a dot, so whatever follows the first one is a group.
	name, group, qualified := strings.Cut(strings.TrimSpace(text), ".")
	if strings.EqualFold(group, coreGroup) {
		group = ""
	}
	return typeName{name: name, group: group, anyGroup: !qualified}
}

// matches ignores case, as Stork does.
func (t typeName) matches(r Resource) bool {
	if t.name == "" || !t.anyGroup && !strings.EqualFold(t.group, r.Group) {
		return false
	}
	same := func(name string) bool { return strings.EqualFold(t.name, name) }
	return same(r.Kind) || same(r.Resource) || same(r.Singular) || slices.ContainsFunc(r.ShortNames, same)
}

// Kinds returns what a user's name of kinds, as in ExcludeTypes, means among what is served, as names that ExcludeTypes takes: the
// kind, with its group where the user gave one. It returns nil for a name of nothing.
func (s Served) Kinds(name string) []string {
	wanted := parseTypeName(name)
	var kinds []string
	for _, resource := range s.Resources {
		if !wanted.matches(resource) {
			continue
		}
		kind := resource.Kind
		if !wanted.anyGroup {
			kind += "." + cmp.Or(resource.Group, coreGroup)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// NamesSecrets tells whether a user's name of kinds, as in ExcludeTypes, means the Secrets of Kubernetes.
func NamesSecrets(name string) bool {
	return parseTypeName(name).matches(Resource{GroupResource: schema.GroupResource{Resource: "secrets"}, Kind: "Secret", Singular: "secret"})
}
