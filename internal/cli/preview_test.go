package cli

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("create migrationschedules --preview", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
		create(ctx, hereClient, newPair(namespace, "pair1", "NotProvided", "Ready"))
		ensureDefaultPolicy(ctx)
		for _, manifest := range []string{
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, labels: {app: shop}}}",
			"{apiVersion: v1, kind: ServiceAccount, metadata: {name: clerk}}",
			"{apiVersion: apps.example.com/v1, kind: Database, metadata: {name: orders}}",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: crb-" + namespace + "}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cr-" + namespace + "}, subjects: [{kind: ServiceAccount, name: clerk, namespace: " + namespace + "}]}",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cr-" + namespace + "}, rules: []}",
		} {
			object := fromYAML(namespace, manifest)
			if object.GetKind() == "ClusterRole" || object.GetKind() == "ClusterRoleBinding" {
				object.SetNamespace("")
			}
			Expect(hereClient.Create(ctx, object)).To(Succeed())
		}
	})
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"create", "migrationschedules", "-n", namespace}, args...)...)
	}
	preview := func(ctx context.Context, args ...string) result {
		return run(ctx, append([]string{"ms1", "-c", "pair1", "--namespaces", namespace, "--preview"}, args...)...)
	}
	nothingWasCreated := func(ctx context.Context) {
		GinkgoHelper()
		schedules, policies := &storkv1alpha1.MigrationScheduleList{}, &storkv1alpha1.NamespacedSchedulePolicyList{}
		Expect(hereClient.List(ctx, schedules, client.InNamespace(namespace))).To(Succeed())
		Expect(hereClient.List(ctx, policies, client.InNamespace(namespace))).To(Succeed())
		Expect(schedules.Items).To(BeEmpty())
		Expect(policies.Items).To(BeEmpty())
	}

	It("prints what is migrated, of the cluster and of the namespace, and creates nothing", func(ctx SpecContext) {
		Expect(preview(ctx, "-i", "5")).To(Equal(succeeds(lines(
			"KIND                                            NAMESPACE    NAME",
			"ClusterRole.rbac.authorization.k8s.io                        cr-"+namespace,
			"ClusterRoleBinding.rbac.authorization.k8s.io                 crb-"+namespace,
			"CustomResourceDefinition.apiextensions.k8s.io                databases.apps.example.com",
			"Namespace                                                    "+namespace,
			"ConfigMap                                       "+namespace+"   settings",
			"Database.apps.example.com                       "+namespace+"   orders",
			"ServiceAccount                                  "+namespace+"   clerk"))))
		nothingWasCreated(ctx)
	})

	It("knows what the flags leave out", func(ctx SpecContext) {
		Expect(preview(ctx, "--selectors", "app=shop")).To(Equal(succeeds(lines(
			"KIND        NAMESPACE    NAME",
			"Namespace                "+namespace,
			"ConfigMap   "+namespace+"   settings"))))
		Expect(preview(ctx, "--exclude-resource-types", "configmaps").out).NotTo(ContainSubstring("settings"))
	})

	It("prints what would be created with -o yaml", func(ctx SpecContext) {
		list := struct {
			Kind  string
			Items []storkv1alpha1.MigrationSchedule
		}{}
		Expect(yaml.Unmarshal([]byte(preview(ctx, "-i", "5", "-o", "yaml").out), &list)).To(Succeed())
		Expect(list.Items).To(HaveLen(2))
		Expect([]string{list.Kind, list.Items[0].Kind, list.Items[1].Kind}).To(Equal([]string{"List", "NamespacedSchedulePolicy", "MigrationSchedule"}))
		Expect(list.Items[1].Spec.SchedulePolicyName).To(Equal("ms1"))
		nothingWasCreated(ctx)
	})

	It("checks what is checked without it", func(ctx SpecContext) {
		Expect(preview(ctx, "-s", "no").err).To(HavePrefix("error: unable to get schedulepolicy no: "))
	})

	It("prints what the MigrationSchedule in a file would migrate", func(ctx SpecContext) {
		s := newSchedule(namespace, "ms1", "pair1")
		s.APIVersion, s.Kind = storkv1alpha1.GroupVersion.String(), "MigrationSchedule"
		content, err := yaml.Marshal(s)
		Expect(err).NotTo(HaveOccurred())
		for _, flag := range []string{"--preview-file", "--previewFile"} {
			Expect(run(ctx, flag, writeFile(content))).To(Equal(preview(ctx)))
		}
		nothingWasCreated(ctx)
	})

	It("refuses a file that holds something else", func(ctx SpecContext) {
		file := writeFile([]byte("{apiVersion: v1, kind: ConfigMap}"))
		Expect(run(ctx, "--preview-file", file)).To(Equal(fails("error: reading " + file +
			`: it holds kind "ConfigMap" of apiVersion "v1", not a MigrationSchedule of stork.libopenstorage.org/v1alpha1`)))
	})
})

var _ = Describe("create migrations --preview", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
		Expect(hereClient.Create(ctx, fromYAML(namespace, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}"))).To(Succeed())
	})
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"create", "migrations", "-n", namespace}, args...)...)
	}
	moves := func() result {
		return succeeds(lines(
			"KIND        NAMESPACE    NAME",
			"Namespace                "+namespace,
			"ConfigMap   "+namespace+"   settings"))
	}

	It("prints what would move, by flags or from a file, and creates nothing", func(ctx SpecContext) {
		Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", namespace, "--preview")).To(Equal(moves()))
		m := newMigration(namespace, "m1")
		m.APIVersion, m.Kind = storkv1alpha1.GroupVersion.String(), "Migration"
		m.Spec.Namespaces = []string{namespace}
		content, err := yaml.Marshal(m)
		Expect(err).NotTo(HaveOccurred())
		for _, flag := range []string{"--preview-file", "--previewFile"} {
			Expect(run(ctx, flag, writeFile(content))).To(Equal(moves()))
		}
		list := &storkv1alpha1.MigrationList{}
		Expect(hereClient.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		Expect(list.Items).To(BeEmpty())
	})

	It("prints what would be created with -o json", func(ctx SpecContext) {
		got := run(ctx, "m1", "-c", "pair1", "--namespaces", namespace, "--preview", "-o", "json")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(And(ContainSubstring(`"kind": "Migration"`), ContainSubstring(`"clusterPair": "pair1"`)))
	})

	It("refuses what the operator would refuse, and warns of what is missing", func(ctx SpecContext) {
		Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", "no-such", "--preview")).To(Equal(fails(
			"error: no valid namespace found based on the provided --namespaces and --namespace-selectors")))
		Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", namespace+",default", "--preview")).To(Equal(fails(
			"error: migration namespaces should only contain the current namespace")))
		publishAdminNamespace(ctx, namespace)
		got := run(ctx, "m1", "-c", "pair1", "--namespaces", namespace+",no-such", "--preview")
		Expect(got.err).To(Equal("warning: of the namespaces to migrate, these do not exist: no-such\n"))
		Expect(got.out).To(Equal(moves().out))
	})
})
