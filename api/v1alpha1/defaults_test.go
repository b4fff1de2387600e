package v1alpha1_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("defaults", func() {
	spec := storkv1alpha1.MigrationSpec{ClusterPair: "to-harbour", Namespaces: []string{"tide"}}
	defaulted := func(spec storkv1alpha1.MigrationSpec) storkv1alpha1.MigrationSpec {
		spec.IncludeResources, spec.IncludeVolumes, spec.SkipDeletedNamespaces = new(true), new(true), new(true)
		spec.StartApplications, spec.PurgeDeletedResources, spec.SkipServiceUpdate = new(false), new(false), new(false)
		spec.IncludeNetworkPolicyWithCIDR, spec.IgnoreOwnerReferencesCheck = new(false), new(false)
		return spec
	}

	It("of a Migration are those of Stork's documents", func(ctx SpecContext) {
		migration := &storkv1alpha1.Migration{Spec: spec}
		migration.Name, migration.Namespace = "defaults", newNamespace(ctx)
		Expect(k8s.Create(ctx, migration)).To(Succeed())
		Expect(migration.Spec).To(Equal(defaulted(spec)))
	})
	It("of a Migration leave what is set", func(ctx SpecContext) {
		migration := &storkv1alpha1.Migration{Spec: defaulted(spec)}
		migration.Spec.IncludeVolumes, migration.Spec.StartApplications = new(false), new(true)
		want := *migration.Spec.DeepCopy()
		migration.Name, migration.Namespace = "set", newNamespace(ctx)
		Expect(k8s.Create(ctx, migration)).To(Succeed())
		Expect(migration.Spec).To(Equal(want))
	})
	It("of a MigrationSchedule are those of its template as well", func(ctx SpecContext) {
		schedule := &storkv1alpha1.MigrationSchedule{}
		schedule.Name, schedule.Namespace = "defaults", newNamespace(ctx)
		schedule.Spec.SchedulePolicyName = "hourly"
		schedule.Spec.Template.Spec = spec
		Expect(k8s.Create(ctx, schedule)).To(Succeed())
		Expect(schedule.Spec).To(Equal(storkv1alpha1.MigrationScheduleSpec{
			Template:           storkv1alpha1.MigrationTemplateSpec{Spec: defaulted(spec)},
			SchedulePolicyName: "hourly",
			Suspend:            new(false),
		}))
	})
	It("of an ApplicationRegistration leave the status behind", func(ctx SpecContext) {
		registration, _ := specimen(ctx, "ApplicationRegistration")
		registration.Object["resources"] = []any{map[string]any{"kind": "Lamp"}}
		Expect(k8s.Create(ctx, registration)).To(Succeed())
		Expect(registration.Object["resources"]).To(Equal([]any{map[string]any{"kind": "Lamp", "keepStatus": false}}))
	})
	It("of a ClusterPair name the key of the Secret", func(ctx SpecContext) {
		pair := &storkv1alpha1.ClusterPair{}
		pair.Name, pair.Namespace = "defaults", newNamespace(ctx)
		pair.Spec.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: "harbour"}
		Expect(k8s.Create(ctx, pair)).To(Succeed())
		Expect(pair.Spec.KubeconfigSecretRef.Key).To(Equal("kubeconfig"))
	})
})

var _ = Describe("Migrations", func() {
	It("can be listed by their ClusterPair", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		for name, pair := range map[string]string{"south": "to-harbour", "north": "to-fjord"} {
			migration := &storkv1alpha1.Migration{}
			migration.Name, migration.Namespace = name, namespace
			migration.Spec = storkv1alpha1.MigrationSpec{ClusterPair: pair, Namespaces: []string{namespace}}
			Expect(k8s.Create(ctx, migration)).To(Succeed())
		}
		list := &storkv1alpha1.MigrationList{}
		Expect(k8s.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"spec.clusterPair": "to-fjord"})).To(Succeed())
		Expect(list.Items).To(HaveLen(1))
		Expect(list.Items[0].Name).To(Equal("north"))
	})
})

var _ = Describe("an ApplicationRegistration", func() {
	DescribeTable("reads podsPath in either spelling", func(ctx SpecContext, fields map[string]any, want string) {
		obj, _ := specimen(ctx, "ApplicationRegistration")
		fields["kind"] = "Lamp"
		obj.Object["resources"] = []any{fields}
		Expect(k8s.Create(ctx, obj, strict)).To(Succeed())
		typed := &storkv1alpha1.ApplicationRegistration{}
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(obj), typed)).To(Succeed())
		Expect(typed.Resources[0].PodsPath).To(Equal(want))
	},
		Entry("that of today", map[string]any{"podsPath": "status.pods"}, "status.pods"),
		Entry("that of early Stork", map[string]any{"PodsPath": "status.members"}, "status.members"),
		Entry("today's first", map[string]any{"PodsPath": "status.members", "podsPath": "status.pods"}, "status.pods"),
		Entry("none", map[string]any{}, ""),
	)
})
