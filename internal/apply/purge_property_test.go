package apply_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

// stray is an object at the destination, made in one of many ways.
type stray struct {
	object  *unstructured.Unstructured
	manager string
	// marked is the value of the migrated annotation, empty for none.
	marked string
	// child says that a controller made it, leaving that it is being deleted already.
	child, leaving bool
	selected       bool
	planned        bool
	// atSource says that the source has it, or does not tell.
	atSource, unknown bool
	// inScope says that its kind and its namespace are purged.
	inScope bool
}

// mayGo is the rule in other words: only what a migration brought here, and what the source has no more.
func (s *stray) mayGo() bool {
	brought := slices.Contains([]string{"godwit", "stork"}, s.manager) && slices.Contains([]string{"true", "True", "1", "t"}, s.marked)
	return s.inScope && brought && s.selected && !s.child && !s.leaving && !s.planned && !s.atSource && !s.unknown
}

func (s *stray) String() string { return fmt.Sprintf("%+v of %s", *s, s.object.GetKind()) }

var _ = Describe("Purge of any mix of objects", func() {
	It("deletes exactly what migrations brought and the source has no more", func(ctx SpecContext) {
		for seed := range uint64(8) {
			By(fmt.Sprintf("seed %d", seed))
			purgeMix(ctx, rand.New(rand.NewPCG(seed, 0)))
		}
	})
})

func purgeMix(ctx context.Context, random *rand.Rand) {
	GinkgoHelper()
	engine, _ := newEngine(cluster.Config(), apply.Options{})
	purged, other := newNamespace(), newNamespace()
	kinds := []string{"ConfigMap", "Secret", "Role", "Deployment", "ServiceAccount", "ClusterRole", "ResourceQuota"}
	var strays []*stray
	for i := range 40 {
		strays = append(strays, newStray(random, kinds[random.IntN(len(kinds))], fmt.Sprintf("stray-%d", i), purged, other))
	}
	p := plan()
	byName := map[string]*stray{}
	for _, s := range strays {
		byName[s.object.GetKind()+"/"+s.object.GetName()] = s
		if s.planned {
			p.Items = append(p.Items, item(s.object))
		}
	}
	p.Purge = apply.Purge{Enabled: true, Namespaces: map[string]string{purged: "at-source"}, LabelSelector: "app=shop",
		Keep: func(_ context.Context, kind apply.Kind, name types.NamespacedName) (bool, error) {
			s := byName[kind.Kind.Kind+"/"+name.Name]
			if s.unknown {
				return false, context.DeadlineExceeded
			}
			return s.atSource, nil
		}}
	for _, kind := range kinds[:len(kinds)-1] {
		p.Purge.Kinds = append(p.Purge.Kinds, apply.Kind{
			Resource: resources[kind], Kind: resources[kind].GroupVersion().WithKind(kind), Namespaced: isNamespaced(kind),
		})
	}
	report, err := engine.Run(ctx, p, nil)
	Expect(err).NotTo(HaveOccurred())
	went := 0
	for _, s := range strays {
		if s.mayGo() {
			went++
		}
		Expect(isThere(s.object)).To(Equal(!s.mayGo()), s.String())
	}
	Expect(actions(report)[apply.ActionPurged]).To(Equal(went))
}

// newStray makes an object at the destination whose chances to be purged are good, but for one or two reasons.
func newStray(random *rand.Rand, kind, name, purged, other string) *stray {
	GinkgoHelper()
	s := &stray{manager: "godwit", marked: "true", selected: true, inScope: true}
	namespace := purged
	for range random.IntN(3) {
		switch random.IntN(9) {
		case 0:
			s.manager = []string{"stork", "kubectl", "argocd", "godwit-operator"}[random.IntN(4)]
		case 1:
			s.marked = []string{"", "false", "yes", "TRUE ", "True", "1"}[random.IntN(6)]
		case 2:
			s.child = true
		case 3:
			s.leaving = true
		case 4:
			s.selected = false
		case 5:
			s.planned = true
		case 6:
			s.atSource = true
		case 7:
			s.unknown = true
		case 8:
			namespace = other
		}
	}
	s.object = strayObject(kind, name, namespace)
	// ServiceAccounts stay, as with Stork, and the last kind is not purged at all.
	if namespace == other || !isNamespaced(kind) || kind == "ServiceAccount" || kind == "ResourceQuota" {
		s.inScope = false
	}
	s.place()
	return s
}

func strayObject(kind, name, namespace string) *unstructured.Unstructured {
	GinkgoHelper()
	if !isNamespaced(kind) {
		name, namespace = name+"-"+namespace, ""
	}
	content := map[string]string{
		"Deployment": ", spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}",
		"Role":       ", rules: []", "ClusterRole": ", rules: []",
	}[kind]
	o := object("{apiVersion: " + resources[kind].GroupVersion().String() + ", kind: " + kind + ", metadata: {name: " + name + "}" + content + "}")
	o.SetNamespace(namespace)
	return o
}

// place makes the object at the destination.
func (s *stray) place() {
	GinkgoHelper()
	made := s.object.DeepCopy()
	if s.marked != "" {
		made.SetAnnotations(map[string]string{storkv1alpha1.AnnotationMigrated: s.marked})
	}
	if s.selected {
		made.SetLabels(map[string]string{"app": "shop"})
	}
	// An owner that is no controller does not matter.
	made.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "x", Controller: new(s.child)}})
	if s.leaving {
		made.SetFinalizers([]string{"example.com/hold"})
		// It goes before the run ends if the plan wants it back.
		if s.planned {
			s.leaving = false
			made.SetFinalizers(nil)
		}
	}
	given(s.manager, made)
	if s.leaving {
		Expect(clientFor(made).Delete(context.Background(), made.GetName(), deleteOptions)).To(Succeed())
		DeferCleanup(func() { edited("test", made, `{"metadata":{"finalizers":null}}`) })
	}
}
