package cli

import (
	"cmp"
	"fmt"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// readManifest reads an object of the API group from a file; its namespace is that of the flags unless the file says otherwise.
func (g *globals) readManifest(file string, object client.Object, kind string) error {
	content, err := os.ReadFile(file) //nolint:gosec // The file is the user's own.
	if err != nil {
		return err
	}
	if err := parseManifest(content, object, kind); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	object.SetNamespace(cmp.Or(object.GetNamespace(), g.namespace))
	return nil
}

// parseManifest reads an object of the API group in YAML or JSON. A field that its kind does not have is an error.
func parseManifest(content []byte, object client.Object, kind string) error {
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		return err
	}
	if actual := object.GetObjectKind().GroupVersionKind(); actual != storkv1alpha1.GroupVersion.WithKind(kind) {
		return fmt.Errorf("it holds kind %q of apiVersion %q, not a %s of %s", actual.Kind, actual.GroupVersion(), kind, storkv1alpha1.GroupVersion)
	}
	return nil
}
