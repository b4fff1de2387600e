package badinput_test

import (
	"context"
	"fmt"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("a Migration", func() {
	It("of nothing succeeds", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := migrate(ctx, storkv1alpha1.MigrationSpec{
			Selectors: map[string]string{"app": "no-such-app"}, ExcludeResourceTypes: []string{"Namespace"},
		}, namespace)
		Expect(migration.Status.Summary.TotalNumberOfResources).To(BeZero())
		Expect(migration.Status.Progress.Resources).To(Equal("0/0"))
	})

	It("of an empty namespace brings the namespace", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Expect(there.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})).To(Succeed())
	})

	It("of a namespace that is listed twice, and selected besides, brings each object once", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, configMap(namespace, "once", "x"))).To(Succeed())
		migration := migrate(ctx, storkv1alpha1.MigrationSpec{
			NamespaceSelectors: map[string]string{corev1.LabelMetadataName: namespace},
		}, namespace, namespace)
		names := map[string]int{}
		for _, info := range migration.Status.Resources {
			names[info.Kind+"/"+info.Name]++
		}
		Expect(names).To(HaveKeyWithValue("ConfigMap/once", 1))
		Expect(names).To(HaveEach(1))
	})

	It("succeeds while objects are changed and deleted under its eyes", func(ctx SpecContext) {
		const objects = 1000
		namespace := newNamespace(ctx)
		createConfigMaps(ctx, namespace, objects)
		churning, stop := context.WithCancel(ctx)
		defer stop()
		var changes atomic.Int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := 0; churning.Err() == nil; i++ {
				object := configMap(namespace, fmt.Sprintf("c-%05d", i%objects), fmt.Sprint(i))
				if i%3 == 0 {
					_ = here.Delete(churning, object) // It may be gone already.
				} else if here.Update(churning, object) == nil {
					changes.Add(1)
				}
			}
		}()
		migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		stop()
		<-ended
		Expect(changes.Load()).To(BeNumerically(">", 0))
	})

	It("ends when its namespace is deleted while it runs", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		createConfigMaps(ctx, namespace, 1000)
		migration := start(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Stage).NotTo(BeEmpty())
		}).WithContext(ctx).Should(Succeed())
		Expect(here.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		finish(ctx, migration)

		By("and the next one says what is missing")
		Eventually(func() error {
			return here.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
		}).WithContext(ctx).Should(MatchError(ContainSubstring("not found")))
		next := start(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		finish(ctx, next)
		Expect(next.Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(next.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("spec.namespaces ["+namespace+"] none exists"))))
	})
})
