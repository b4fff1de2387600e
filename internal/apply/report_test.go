package apply

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestCountsTellEverySecondAndAtTheEnd(t *testing.T) {
	c := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	var told []Progress
	counts := newCounts(c, 10, func(p Progress) { told = append(told, p) })
	for i := range 10 {
		c.SetTime(time.Unix(0, int64(i+1)*int64(400*time.Millisecond)))
		counts.done(i%2 == 0)
	}
	counts.end()
	want := []Progress{{10, 3, 2}, {10, 6, 3}, {10, 9, 5}, {10, 10, 5}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	newCounts(c, 1, nil).end()
}

func TestNoticesTellOnceWhatHappenedToMany(t *testing.T) {
	n := &notices{byText: map[string]*notice{}}
	for _, name := range []string{"b", "a", "c"} {
		n.add("many", target{kind: "Secret", NamespacedName: types.NamespacedName{Namespace: "x", Name: name}})
	}
	n.add("one", target{kind: "Namespace", NamespacedName: types.NamespacedName{Name: "x"}})
	n.add("none", target{})
	want := []string{"many (3 objects, for example Secret x/a)", "none", "one (Namespace x)"}
	if diff := cmp.Diff(want, n.texts()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i := range 1000 {
		n.add(fmt.Sprint("different ", i), target{})
	}
	texts := n.texts()
	if len(texts) != maxNotices+1 || texts[maxNotices] != "953 more notices were left out" {
		t.Errorf("%d notices, the last one %q", len(texts), texts[len(texts)-1])
	}
}

func TestCompareTargets(t *testing.T) {
	of := func(resource, kind, namespace, name string) target {
		parsed := schema.ParseGroupResource(resource)
		return target{resource: parsed.WithVersion("v1"), kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
	}
	want := []target{
		of("namespaces", "Namespace", "", "z"),
		of("configmaps", "ConfigMap", "a", "x"),
		of("configmaps", "ConfigMap", "a", "y"),
		of("configmaps", "ConfigMap", "b", "a"),
		of("secrets", "Secret", "a", "a"),
		of("deployments.apps", "Deployment", "a", "a"),
		of("birds.a.example.com", "Bird", "a", "a"),
		of("birds.b.example.com", "Bird", "a", "a"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareTargets)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(target{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
