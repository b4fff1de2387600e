package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

// roundTrip is an object before it is suspended, while it is, and after it was resumed. The latter two are as the one before
// where they are empty.
type roundTrip struct {
	before, suspended, resumed string
	registrations              []storkv1alpha1.ApplicationResource
}

func (tc roundTrip) run(t *testing.T) {
	t.Helper()
	registrations := NewRegistrations(tc.registrations)
	obj := parse(t, tc.before)
	expect(t, "Suspend", Suspend, obj, registrations, or(tc.suspended, tc.before))
	expect(t, "Suspend again", Suspend, obj, registrations, or(tc.suspended, tc.before))
	resumed := or(tc.resumed, tc.before)
	expect(t, "Resume", Resume, obj, registrations, resumed)
	expect(t, "Resume again", Resume, obj, registrations, resumed)
}

type function func(*unstructured.Unstructured, Registrations) (bool, error)

// expect runs f on obj and compares the result with manifest. Whether f says that it changed obj must be the truth.
func expect(t *testing.T, name string, f function, obj *unstructured.Unstructured, registrations Registrations, manifest string) {
	t.Helper()
	before := obj.DeepCopy()
	changed, err := f(obj, registrations)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if really := !cmp.Equal(before.Object, obj.Object); changed != really {
		t.Errorf("%s says changed %v, which is not so", name, changed)
	}
	if diff := cmp.Diff(parse(t, manifest).Object, obj.Object); diff != "" {
		t.Errorf("%s (-want,+got):\n%s", name, diff)
	}
}

func expectError(t *testing.T, f function, manifest string, registrations []storkv1alpha1.ApplicationResource, want string) {
	t.Helper()
	_, err := f(parse(t, manifest), NewRegistrations(registrations))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want an error with %q, got %v", want, err)
	}
}

func parse(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	return objecttest.Parse(t, manifest)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func TestOtherKindsAreLeftAlone(t *testing.T) {
	for name, manifest := range map[string]string{
		"a ConfigMap":                        "{apiVersion: v1, kind: ConfigMap, spec: {replicas: 3, suspend: false}}",
		"a Deployment of another group":      "{apiVersion: example.com/v1, kind: Deployment, spec: {replicas: 3}}",
		"a custom resource not registered":   "{apiVersion: example.com/v1, kind: Database, spec: {replicas: 3}}",
		"an autoscaler of v1":                "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 3}}",
		"a CronJob of another group, marked": "{apiVersion: example.com/v1, kind: CronJob, metadata: {annotations: {stork.libopenstorage.org/migrated: 'true'}}, spec: {suspend: true}}",
	} {
		t.Run(name, func(t *testing.T) { roundTrip{before: manifest}.run(t) })
	}
	t.Run("an empty object", func(t *testing.T) {
		for _, f := range []function{Suspend, Resume, Restore} {
			if changed, err := f(&unstructured.Unstructured{}, Registrations{}); changed || err != nil {
				t.Errorf("changed %v, error %v", changed, err)
			}
		}
	})
}
