package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

// transformation is an object before and after a transformer; after is as before where it is empty.
type transformation struct{ before, after string }

// run checks the result, that the transformer tells the truth on whether it changed anything, and that it is idempotent.
func (tc transformation) run(t *testing.T, transformer Transformer) {
	t.Helper()
	after := tc.after
	if after == "" {
		after = tc.before
	}
	obj := objecttest.Parse(t, tc.before)
	for _, when := range []string{"", "a second time: "} {
		before := obj.DeepCopy()
		changed, err := transformer.Transform(obj, SourceOf(obj))
		if err != nil {
			t.Fatalf("%s%v", when, err)
		}
		if really := !cmp.Equal(before.Object, obj.Object); really != changed {
			t.Errorf("%ssays changed %v, which is not so", when, changed)
		}
		if diff := cmp.Diff(objecttest.Parse(t, after).Object, obj.Object); diff != "" {
			t.Errorf("%s(-want,+got):\n%s", when, diff)
		}
	}
}

func runAll(t *testing.T, transformer Transformer, tests map[string]transformation) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) { tc.run(t, transformer) })
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("unexpected error: %v", err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("want an error with %q, got %v", want, err)
	}
}

func builtinRegistrations() []storkv1alpha1.ApplicationResource {
	var resources []storkv1alpha1.ApplicationResource
	for _, registration := range workload.Builtin() {
		resources = append(resources, registration.Resources...)
	}
	return resources
}

func TestRunRefusesWhatNoServerReturns(t *testing.T) {
	p := NewPipeline(Options{})
	for name, obj := range map[string]*unstructured.Unstructured{
		"nothing":              nil,
		"an empty object":      {},
		"no kind":              {Object: map[string]any{"metadata": map[string]any{}}},
		"no metadata":          {Object: map[string]any{"kind": "ConfigMap"}},
		"metadata of a string": {Object: map[string]any{"kind": "ConfigMap", "metadata": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Run(obj)
			wantError(t, err, "object without kind or metadata")
		})
	}
}

func TestSourceOf(t *testing.T) {
	t.Run("tells the namespace of a volume's claim", func(t *testing.T) {
		source := SourceOf(objecttest.Parse(t, "{apiVersion: v1, kind: PersistentVolume, spec: {claimRef: {namespace: shop}}}"))
		if source.Namespace != "shop" {
			t.Errorf("got %q", source.Namespace)
		}
	})
	t.Run("keeps labels that are changed later", func(t *testing.T) {
		obj := objecttest.Parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a: b}}}")
		source := SourceOf(obj)
		obj.SetLabels(nil)
		if source.Labels["a"] != "b" {
			t.Errorf("got %v", source.Labels)
		}
	})
}
