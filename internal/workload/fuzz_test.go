package workload

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

// fuzzManifests are one well-formed object of each way to be stopped.
func fuzzManifests() []string {
	return []string{
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, labels: {a: b}}, spec: {replicas: 3}}",
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: x, ownerReferences: [{controller: true}]}, spec: {replicas: 3}}",
		"{apiVersion: ibp.com/v1alpha1, kind: IBPPeer, metadata: {name: x}, spec: {replicas: 3}}",
		"{apiVersion: batch/v1, kind: CronJob, metadata: {name: x, annotations: {a: b}}, spec: {suspend: false}}",
		"{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {suspend: true}, status: {conditions: [{type: Complete, status: 'False'}]}}",
		"{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {template: {spec: {nodeSelector: {a: b}}}}}",
		"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {behavior: {scaleUp: {selectPolicy: Min}}}}",
		"{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: x}, spec: {runStrategy: Always}}",
		"{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: x}, spec: {running: true}}",
		"{apiVersion: example.com/v1, kind: Database, metadata: {name: x}, spec: {replicas: 3, deep: {mode: Always, paused: false}}}",
	}
}

func fuzzRegistrations() Registrations {
	return NewRegistrations(append(builtinResources(), registered(option("spec.replicas", "int", ""),
		option("spec.deep.mode", "string", "Never,ever"), option("spec.deep.paused", "bool", ""))...))
}

func newFuzz(data []byte) *objecttest.Fuzz {
	return &objecttest.Fuzz{
		Bytes: data,
		Keys: []string{
			"replicas", "suspend", "deep", "mode", "paused", "template", "spec", "nodeSelector", "behavior", "selectPolicy", "running",
			"runStrategy", "metadata", "labels", "annotations", "status", keySuspended, annotationActivate, annotationDeactivate,
			storkv1alpha1.AnnotationMigrationReplicas, storkv1alpha1.AnnotationMigrated, storkv1alpha1.SuspendMemoAnnotation("spec.replicas"),
			storkv1alpha1.SuspendMemoAnnotation("spec.suspend"), storkv1alpha1.SuspendMemoAnnotation("spec.deep.mode"),
			storkv1alpha1.SuspendMemoAnnotation("spec.running"),
		},
		Strings: []string{"", "true", "3", "0", "3,0", "3,", ",true", "false,true", "true,true", "Always,Halted", "Halted", "Never,ever", "x,y,Never,ever", ","},
	}
}

func FuzzSuspendAndResume(f *testing.F) {
	for i := range fuzzManifests() {
		f.Add([]byte{byte(i)})
		f.Add([]byte{byte(i), 1, 4, 0, 5, 9, 2, 7, 3, 1, 17, 2, 6, 2, 5, 19, 0, 3, 3, 7})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz, manifests := newFuzz(data), fuzzManifests()
		obj := objecttest.Parse(t, manifests[fuzz.Pick(len(manifests))])
		fuzz.Mutate(obj)
		original, registrations := obj.DeepCopy(), fuzzRegistrations()
		if !apply(t, Suspend, obj, registrations) {
			return
		}
		twice(t, Suspend, obj, registrations)
		if !apply(t, Resume, obj, registrations) {
			return
		}
		twice(t, Resume, obj, registrations)
		if hasMemo(original) {
			return
		}
		expectKept(t, original, obj)
		resumed := obj.DeepCopy()
		apply(t, Suspend, obj, registrations)
		apply(t, Resume, obj, registrations)
		if diff := cmp.Diff(resumed.Object["spec"], obj.Object["spec"]); diff != "" {
			t.Errorf("another round changes it (-want,+got):\n%s", diff)
		}
	})
}

// apply runs f, which must tell the truth on whether it changed obj. It returns false on an error.
func apply(t *testing.T, f function, obj *unstructured.Unstructured, registrations Registrations) bool {
	t.Helper()
	before := obj.DeepCopy()
	changed, err := f(obj, registrations)
	if err != nil {
		return false
	}
	if diff := cmp.Diff(before.Object, obj.Object); diff != "" && !changed {
		t.Errorf("says that it changed nothing:\n%s", diff)
	}
	return true
}

func twice(t *testing.T, f function, obj *unstructured.Unstructured, registrations Registrations) {
	t.Helper()
	before := obj.DeepCopy()
	if changed, err := f(obj, registrations); err != nil || changed {
		t.Errorf("a second time: changed %v, error %v:\n%s", changed, err, cmp.Diff(before.Object, obj.Object))
	}
}

// hasMemo tells whether anything on obj comes from an earlier suspension.
func hasMemo(obj *unstructured.Unstructured) bool {
	return strings.Contains(fmt.Sprint(obj.Object), storkv1alpha1.GroupName)
}

// expectKept checks that everything that original says in its spec is there after a round. What is only spelt out or left out
// where that is the same, such as an absent default, is not looked at.
func expectKept(t *testing.T, original, got *unstructured.Unstructured) {
	t.Helper()
	want, have := map[string]any{}, map[string]any{}
	flatten("spec", original.Object["spec"], want)
	flatten("spec", got.Object["spec"], have)
	for path, value := range want {
		if have[path] != value {
			t.Errorf("%s was %v and is %v", path, value, have[path])
		}
	}
}

func flatten(path string, value any, into map[string]any) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			flatten(path+"."+key, child, into)
		}
	case []any:
		for i, child := range value {
			flatten(fmt.Sprintf("%s[%d]", path, i), child, into)
		}
	case nil:
	default:
		if value != "" {
			into[path] = value
		}
	}
}

func FuzzSuspendOption(f *testing.F) {
	f.Add("spec.replicas", "int", "", "3,0", "{\"replicas\":0}")
	f.Add("spec.mode", "string", "a,b", ",", "{\"mode\":\"a,b\"}")
	f.Add("spec.a[0].b", "bool", "x", "true", "[]")
	f.Fuzz(func(t *testing.T, path, valueType, value, memo, spec string) {
		o := option(path, valueType, value)
		resource := registered(o, o)[0]
		invalid := ValidateRegistration(resource) != nil
		obj := &unstructured.Unstructured{}
		if err := obj.UnmarshalJSON([]byte(`{"apiVersion":"example.com/v1","kind":"Database","metadata":{},"spec":` + spec + `}`)); err != nil {
			return
		}
		if _, err := field.SetAnnotation(obj, storkv1alpha1.SuspendMemoAnnotation(path), memo); err != nil {
			t.Fatal(err)
		}
		registrations := NewRegistrations([]storkv1alpha1.ApplicationResource{resource})
		if apply(t, Suspend, obj, registrations) {
			if invalid {
				t.Error("Suspend accepts what ValidateRegistration refuses")
			}
			twice(t, Suspend, obj, registrations)
		}
		if apply(t, Resume, obj, registrations) {
			twice(t, Resume, obj, registrations)
		}
	})
}

// FuzzSuspendPath checks for any path that suspending sets exactly that field, and that resuming sets it back.
func FuzzSuspendPath(f *testing.F) {
	f.Add("spec.replicas", "int", "", `{"replicas":3}`)
	f.Add("spec.a.b.c", "bool", "false", `{"a":{"b":{}}}`)
	f.Add("spec.mode", "string", "a,b", `{"mode":"c,d","x":null}`)
	f.Add("status.mode", "string", "off", `{}`)
	f.Add("metadata.labels.x", "string", "off", `{}`)
	f.Fuzz(func(t *testing.T, path, valueType, value, spec string) {
		obj := &unstructured.Unstructured{}
		if err := obj.UnmarshalJSON([]byte(`{"apiVersion":"example.com/v1","kind":"Database","metadata":{"name":"x"},"spec":` + spec + `}`)); err != nil {
			return
		}
		o := option(path, valueType, value)
		registrations := NewRegistrations(registered(o))
		original := obj.DeepCopy()
		changed, err := Suspend(obj, registrations)
		if err != nil {
			if diff := cmp.Diff(original.Object, obj.Object); diff != "" && changed {
				t.Errorf("half-suspended with error %v:\n%s", err, diff)
			}
			return
		}
		s, ok, err := newFieldSwitch(o)
		if !ok || err != nil {
			if changed {
				t.Errorf("suspended by path %q, error %v", path, err)
			}
			return
		}
		// A field that would suspend by being set is not made up for a whole number.
		if got, found, _ := field.Get(obj.Object, s.keys...); found && got != s.suspended {
			t.Errorf("%s is %v, want %v", path, got, s.suspended)
		}
		if _, err := Resume(obj, registrations); err != nil {
			t.Fatal(err)
		}
		if hasMemo(obj) && !hasMemo(original) {
			t.Errorf("a memo is left: %v", obj.Object)
		}
		expectKept(t, original, obj)
	})
}
