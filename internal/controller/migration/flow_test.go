package migration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/godwit-io/godwit/internal/apply"
)

// Whether an object is gone from the source decides whether it is purged: a source that is busy for a moment must not make it fail.
func TestExistsAtSource(t *testing.T) {
	busy := apierrors.NewServiceUnavailable("busy")
	for name, test := range map[string]struct {
		objects  []runtime.Object
		failures []error
		exists   bool
		err      error
	}{
		"an object that is there":                         {objects: []runtime.Object{newConfigMap("a")}, exists: true},
		"an object that is gone":                          {},
		"an object that is gone, when the source answers": {failures: []error{busy, busy}},
		"an object of which the source does not tell": {
			failures: []error{apierrors.NewForbidden(configMaps.GroupResource(), "a", nil)}, exists: true, err: apierrors.NewForbidden(configMaps.GroupResource(), "a", nil),
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := dynamicfake.NewSimpleDynamicClient(clientgoscheme.Scheme, test.objects...)
			client.PrependReactor("get", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
				if len(test.failures) == 0 {
					return false, nil, nil
				}
				err := test.failures[0]
				test.failures = test.failures[1:]
				return true, nil, err
			})
			f := &flow{source: Source{Dynamic: client}}
			exists, err := f.existsAtSource(t.Context(), apply.Kind{Resource: configMaps}, types.NamespacedName{Namespace: "shop", Name: "a"})
			if exists != test.exists || (err == nil) != (test.err == nil) || err != nil && err.Error() != test.err.Error() {
				t.Errorf("got %t, %v; want %t, %v", exists, err, test.exists, test.err)
			}
		})
	}
}

var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

func newConfigMap(name string) *corev1.ConfigMap {
	configMap := &corev1.ConfigMap{}
	configMap.Namespace, configMap.Name = "shop", name
	return configMap
}
