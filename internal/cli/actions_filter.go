package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// coreGroup is how Actions name the core API group, since nothing would mean any group.
const coreGroup = "core"

// actionFilter are the flags that narrow what an Action starts and stops.
type actionFilter struct {
	includeNamespaces, excludeNamespaces []string
	selectors, excludeSelectors          map[string]string
	resourceTypes                        []string
	includeObjects, excludeObjects       []string
}

func (f *actionFilter) addFlags(g *globals, cmd *cobra.Command) {
	flags := cmd.Flags()
	const objectForm = ", as KIND/NAMESPACE/NAME or GROUP/VERSION/KIND/NAMESPACE/NAME, separated by commas"
	flags.StringSliceVar(&f.includeNamespaces, "include-namespaces", nil, "The only namespaces of the MigrationSchedule to act on, separated by commas")
	flags.StringSliceVar(&f.excludeNamespaces, "exclude-namespaces", nil, "Namespaces of the MigrationSchedule not to act on, separated by commas")
	flags.StringToStringVar(&f.selectors, "selectors", nil, "Labels that an application's objects must all have, as key=value, separated by commas")
	flags.StringToStringVar(&f.excludeSelectors, "exclude-selectors", nil, "Labels any of which leaves an object out, as key=value, separated by commas")
	flags.StringSliceVar(&f.resourceTypes, "resource-types", nil, "The only kinds to act on, as KIND or GROUP/VERSION/KIND, separated by commas")
	flags.StringSliceVar(&f.includeObjects, "include-objects", nil, "The only objects to act on"+objectForm)
	flags.StringSliceVar(&f.excludeObjects, "exclude-objects", nil, "Objects not to act on"+objectForm)
	for _, name := range []string{"include-namespaces", "exclude-namespaces"} {
		completeFlag(cmd, name, g.completeObjects(&corev1.NamespaceList{}))
	}
}

// api returns the filter as Actions hold it, all but the namespaces.
func (f *actionFilter) api() (filter storkv1alpha1.ActionFilter, err error) {
	if err := f.exclusive(); err != nil {
		return filter, err
	}
	filter.Selectors, filter.ExcludeSelectors = f.selectors, f.excludeSelectors
	for _, text := range f.resourceTypes {
		name, err := parseResourceType(text)
		if err != nil {
			return filter, err
		}
		filter.Types = append(filter.Types, name)
	}
	if filter.IncludeObjects, err = parseObjects("include-objects", f.includeObjects); err != nil {
		return filter, err
	}
	filter.ExcludeObjects, err = parseObjects("exclude-objects", f.excludeObjects)
	return filter, err
}

// exclusive refuses flags that contradict each other.
func (f *actionFilter) exclusive() error {
	for _, pair := range []struct {
		what string
		both bool
	}{
		{"namespaces", len(f.includeNamespaces) > 0 && len(f.excludeNamespaces) > 0},
		{"objects", len(f.includeObjects) > 0 && len(f.excludeObjects) > 0},
	} {
		if pair.both {
			return fmt.Errorf("can provide only one of --include-%[1]s or --exclude-%[1]s values at once", pair.what)
		}
	}
	common := len(f.selectors) + len(f.excludeSelectors) + len(f.resourceTypes)
	switch {
	case len(f.selectors) > 0 && len(f.excludeSelectors) > 0:
		return errors.New("can provide only one of --selectors or --exclude-selectors values at once")
	case len(f.includeObjects)+len(f.excludeObjects) > 0 && common > 0:
		return errors.New("--include-objects and --exclude-objects cannot go with --selectors, --exclude-selectors or --resource-types: " +
			"choose objects by name or by what they have in common")
	}
	return nil
}

// parseResourceType returns a kind as Actions name it: KIND, or KIND.GROUP.
func parseResourceType(text string) (string, error) {
	parts := strings.Split(text, "/")
	switch {
	case len(parts) == 1 && text != "":
		return text, nil
	case len(parts) == 3 && parts[1] != "" && parts[2] != "":
		return parts[2] + "." + orCore(parts[0]), nil
	}
	return "", fmt.Errorf("invalid --resource-types value %q: write KIND or GROUP/VERSION/KIND, such as Deployment or apps/v1/Deployment", text)
}

func parseObjects(flag string, texts []string) ([]storkv1alpha1.ObjectInfo, error) {
	var objects []storkv1alpha1.ObjectInfo
	for _, text := range texts {
		parts := strings.Split(text, "/")
		info := storkv1alpha1.ObjectInfo{}
		if len(parts) == 5 && parts[1] != "" {
			info.Group, info.Version = orCore(parts[0]), parts[1]
			parts = parts[2:]
		}
		if len(parts) != 3 || slices.Contains(parts, "") {
			return nil, fmt.Errorf("invalid --%s value %q: write KIND/NAMESPACE/NAME or GROUP/VERSION/KIND/NAMESPACE/NAME, "+
				"such as Deployment/shop/web or apps/v1/Deployment/shop/web", flag, text)
		}
		info.Kind, info.Namespace, info.Name = parts[0], parts[1], parts[2]
		objects = append(objects, info)
	}
	return objects, nil
}

func orCore(group string) string {
	if group == "" {
		return coreGroup
	}
	return group
}
