package activation

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// FuzzParseStash reads ConfigMaps that somebody else may have written.
func FuzzParseStash(f *testing.F) {
	for _, object := range []string{
		`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}`, `{"kind":"A","metadata":{"name":"a","uid":5}}`, `{"kind":"A","metadata":5}`, `[]`, `{`, ``,
	} {
		f.Add(object, `{"claim":{"kind":"A","name":"a","uid":"1"}}`)
	}
	f.Fuzz(func(t *testing.T, object, owned string) {
		configMap := &corev1.ConfigMap{Data: map[string]string{"cr-runtime-object": object, "ownedPVCs": owned}}
		configMap.Namespace = "n"
		s, err := parseStash(configMap)
		if err != nil {
			return
		}
		if s.object.GetNamespace() != "n" || s.object.GetName() == "" || s.object.GetUID() != "" || s.object.GetResourceVersion() != "" {
			t.Errorf("%q became %v", object, s.object)
		}
	})
}
