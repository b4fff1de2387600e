package cli

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// ensureDefaultPolicy creates the policy that the operator creates at its start.
func ensureDefaultPolicy(ctx context.Context) {
	GinkgoHelper()
	Expect(client.IgnoreAlreadyExists(hereClient.Create(ctx, newPolicy(defaultPolicyName)))).To(Succeed())
}

// newTransformation returns one that was tried out.
func newTransformation(namespace string, status storkv1alpha1.ResourceTransformationStatusType) *storkv1alpha1.ResourceTransformation {
	t := &storkv1alpha1.ResourceTransformation{}
	t.Namespace, t.Name = namespace, "adapt"
	t.Spec.Objects = []storkv1alpha1.TransformSpec{{Resource: "/v1/ConfigMap", Paths: []storkv1alpha1.ResourcePath{
		{Path: "data.a", Value: "b", Type: "string", Operation: "add"},
	}}}
	t.Status.Status = status
	return t
}

var _ = Describe("create migrationschedules", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
		create(ctx, hereClient, newPair(namespace, "pair1", "NotProvided", "Ready"))
		ensureDefaultPolicy(ctx)
	})
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"create", "migrationschedules", "-n", namespace}, args...)...)
	}
	// runOwn runs it for the namespace's own objects.
	runOwn := func(ctx context.Context, args ...string) result {
		return run(ctx, append([]string{"ms1", "-c", "pair1", "--namespaces", namespace}, args...)...)
	}
	read := func(ctx context.Context, in string) *storkv1alpha1.MigrationSchedule {
		GinkgoHelper()
		s := &storkv1alpha1.MigrationSchedule{}
		Expect(hereClient.Get(ctx, client.ObjectKey{Namespace: in, Name: "ms1"}, s)).To(Succeed())
		return s
	}
	schedulesAndPolicies := func(ctx context.Context) int {
		GinkgoHelper()
		schedules, policies := &storkv1alpha1.MigrationScheduleList{}, &storkv1alpha1.NamespacedSchedulePolicyList{}
		Expect(hereClient.List(ctx, schedules, client.InNamespace(namespace))).To(Succeed())
		Expect(hereClient.List(ctx, policies, client.InNamespace(namespace))).To(Succeed())
		return len(schedules.Items) + len(policies.Items)
	}
	done := succeeds("MigrationSchedule ms1 created successfully\n")

	It("says which argument is missing or wrong, one after the other", func(ctx SpecContext) {
		withStorage := newPair(namespace, "stored", "Ready", "Ready")
		withStorage.Spec.Options = map[string]string{"token": "t", "mode": "DisasterRecovery"}
		create(ctx, hereClient, withStorage)
		other := newNamespace(ctx, hereClient, nil)
		create(ctx, hereClient, newTransformation(namespace, storkv1alpha1.ResourceTransformationStatusFailed))
		for _, step := range []struct {
			want string
			args []string
		}{
			{"exactly one name needs to be provided for migration schedule name", nil},
			{"exactly one name needs to be provided for migration schedule name", []string{"ms1", "ms2"}},
			{"ClusterPair name needs to be provided for migration schedule", []string{"ms1", "--exclude-volumes"}},
			{"unable to find the admin cluster pair in the admin namespace", []string{"ms1", "-c", "no", "--admin-cluster-pair", "no"}},
			{"unable to find the cluster pair in the given namespace", []string{"ms1", "-c", "no", "--exclude-volumes"}},
			{"--exclude-volumes can only be set to true if it is a sync-dr use case or when storage options are not provided in the cluster pair", []string{"ms1", "-c", "stored", "--exclude-volumes"}},
			{"no valid namespace found based on the provided --namespaces and --namespace-selectors", []string{"ms1", "-c", "pair1", "--namespaces", "no"}},
			{"no valid namespace found based on the provided --namespaces and --namespace-selectors", []string{"ms1", "-c", "pair1", "--transform-spec", "no"}},
			{"migration namespaces should only contain the current namespace", []string{"ms1", "-c", "pair1", "--namespaces", namespace + "," + other, "--transform-spec", "no"}},
			{"unable to retrieve transformation " + namespace + `/no, err: resourcetransformations.stork.libopenstorage.org "no" not found`, []string{"ms1", "-c", "pair1", "--namespaces", namespace, "--transform-spec", "no", "--exclude-resource-types", "no"}},
			{"transformation " + namespace + "/adapt is not in ready state, state: Failed", []string{"ms1", "-c", "pair1", "--namespaces", namespace, "--transform-spec", "adapt"}},
			{"error getting k8s resource type for input resourcetype: nothing", []string{"ms1", "-c", "pair1", "--namespaces", namespace, "--exclude-resource-types", "cm,nothing", "-s", "a", "-i", "5"}},
			{"must provide only one of schedule-policy-name or interval values", []string{"ms1", "-c", "pair1", "--namespaces", namespace, "-s", "a", "-i", "5"}},
			{"could not create a schedule policy with specified interval: Invalid intervalMinutes (-15) in Interval policy: write a whole number of minutes from 1", []string{"ms1", "-c", "pair1", "--namespaces", namespace, "--interval", "-15"}},
			{`unable to get schedulepolicy no: schedulepolicies.stork.libopenstorage.org "no" not found`, []string{"ms1", "-c", "pair1", "--namespaces", namespace, "-s", "no"}},
		} {
			Expect(run(ctx, step.args...)).To(Equal(fails("error: "+step.want)), "%v", step.args)
		}
		Expect(schedulesAndPolicies(ctx)).To(BeZero())
	})

	It("creates a schedule with the documented defaults", func(ctx SpecContext) {
		Expect(runOwn(ctx)).To(Equal(done))
		Expect(read(ctx, namespace).Spec).To(Equal(storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: "default-migration-policy", Suspend: new(false), AutoSuspend: true,
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: "pair1", Namespaces: []string{namespace},
				IncludeResources: new(true), IncludeVolumes: new(false), StartApplications: new(false), PurgeDeletedResources: new(false),
				SkipServiceUpdate: new(false), IncludeNetworkPolicyWithCIDR: new(false), SkipDeletedNamespaces: new(true), IgnoreOwnerReferencesCheck: new(false),
			}},
		}))
	})

	It("takes every flag over", func(ctx SpecContext) {
		create(ctx, hereClient, newNamespacedPolicy(namespace, "own"))
		Expect(runOwn(ctx, "--namespace-selectors", "kubernetes.io/metadata.name="+namespace, "--selectors", "a=b,c=d", "--exclude-selectors", "e=f",
			"--exclude-resource-types", "cm,deployments,Services.core", "--exclude-resources", "--include-jobs", "--include-network-policy-with-cidr",
			"--ignore-owner-references-check", "--purge-deleted-resources", "--skip-service-update", "--disable-skip-deleted-namespaces", "-a",
			"--pre-exec-rule", "pre", "--post-exec-rule", "post", "-s", "own", "--suspend", "--disable-auto-suspend", "--annotations", "g=h")).To(Equal(done))
		s := read(ctx, namespace)
		Expect(s.Annotations).To(Equal(map[string]string{"g": "h"}))
		Expect(s.Spec).To(Equal(storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: "own", Suspend: new(true),
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: "pair1", Namespaces: []string{namespace}, NamespaceSelectors: map[string]string{"kubernetes.io/metadata.name": namespace},
				Selectors: map[string]string{"a": "b", "c": "d"}, ExcludeSelectors: map[string]string{"e": "f"},
				ExcludeResourceTypes: []string{"ConfigMap", "Deployment", "Service.core"}, IncludeOptionalResourceTypes: []string{"Job"},
				IncludeResources: new(false), IncludeVolumes: new(false), StartApplications: new(true), PurgeDeletedResources: new(true),
				SkipServiceUpdate: new(true), IncludeNetworkPolicyWithCIDR: new(true), SkipDeletedNamespaces: new(false), IgnoreOwnerReferencesCheck: new(true),
				PreExecRule: "pre", PostExecRule: "post",
			}},
		}))
	})

	It("moves volumes where the pair has storage, and leaves them out where both clusters share it", func(ctx SpecContext) {
		for name, mode := range map[string]string{"stored": "DisasterRecovery", "shared": "sync-dr"} {
			pair := newPair(namespace, name, "Ready", "Ready")
			pair.Spec.Options = map[string]string{"token": "t", "mode": mode}
			create(ctx, hereClient, pair)
		}
		Expect(run(ctx, "ms1", "--clusterPair", "stored", "--namespaces", namespace)).To(Equal(done))
		Expect(*read(ctx, namespace).Spec.Template.Spec.IncludeVolumes).To(BeTrue())
		Expect(hereClient.Delete(ctx, newSchedule(namespace, "ms1", ""))).To(Succeed())
		Expect(run(ctx, "ms1", "--clusterpair", "shared", "--namespaces", namespace, "--exclude-volumes")).To(Equal(done))
		Expect(*read(ctx, namespace).Spec.Template.Spec.IncludeVolumes).To(BeFalse())
	})

	It("migrates other namespaces from the admin namespace, with its pair alone, and tells which do not exist", func(ctx SpecContext) {
		admin := newNamespace(ctx, hereClient, nil)
		publishAdminNamespace(ctx, admin)
		create(ctx, hereClient, newPair(admin, "admin-pair", "NotProvided", "Ready"))
		Expect(storkctl(ctx, "create", "migrationschedule", "ms1", "-n", admin, "--admin-cluster-pair", "admin-pair", "--namespaces", namespace+",no")).To(Equal(result{
			out: done.out, err: "warning: of the namespaces to migrate, these do not exist: no\n",
		}))
		spec := read(ctx, admin).Spec.Template.Spec
		Expect([]any{spec.ClusterPair, spec.AdminClusterPair, spec.Namespaces}).To(Equal([]any{"", "admin-pair", []string{namespace, "no"}}))
	})

	It("uses a ResourceTransformation that is ready", func(ctx SpecContext) {
		create(ctx, hereClient, newTransformation(namespace, storkv1alpha1.ResourceTransformationStatusReady))
		Expect(runOwn(ctx, "--transform-spec", "adapt")).To(Equal(done))
		Expect(read(ctx, namespace).Spec.Template.Spec.TransformSpecs).To(Equal([]string{"adapt"}))
	})

	Describe("--interval", func() {
		It("makes a policy of its own, which goes with the schedule", func(ctx SpecContext) {
			Expect(runOwn(ctx, "-i", "15")).To(Equal(done))
			s, policy := read(ctx, namespace), &storkv1alpha1.NamespacedSchedulePolicy{}
			Expect(s.Spec.SchedulePolicyName).To(Equal("ms1"))
			Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(s), policy)).To(Succeed())
			Expect(*policy.Policy.Interval).To(Equal(storkv1alpha1.IntervalPolicy{IntervalMinutes: 15, Retain: 10}))
			Expect(policy.OwnerReferences).To(Equal([]metav1.OwnerReference{{
				APIVersion: storkv1alpha1.GroupVersion.String(), Kind: "MigrationSchedule", Name: "ms1", UID: s.UID,
			}}))
		})

		It("leaves no policy behind for a schedule that is there or is refused", func(ctx SpecContext) {
			create(ctx, hereClient, newSchedule(namespace, "ms1", "pair1"))
			Expect(runOwn(ctx, "-i", "15")).To(Equal(fails(`Error from server (AlreadyExists): migrationschedules.stork.libopenstorage.org "ms1" already exists`)))
			Expect(run(ctx, "MS", "-c", "pair1", "--namespaces", namespace, "-i", "15").err).To(HavePrefix("Error from server (Invalid): "))
			Expect(schedulesAndPolicies(ctx)).To(Equal(1))
		})

		It("takes the policy back when the schedule cannot be created after all", func(ctx SpecContext) {
			o := &createSchedule{givesInterval: true, intervalMinutes: 15}
			s := newSchedule(namespace, "ms1", "pair1")
			policy, err := o.choosePolicy(ctx, hereClient, s)
			Expect(err).NotTo(HaveOccurred())
			failing := interceptor.NewClient(hereClient, interceptor.Funcs{
				Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
					if object == s {
						return errors.New("no connection")
					}
					return c.Create(ctx, object, options...)
				},
			})
			Expect(o.createWithPolicy(ctx, failing, s, policy)).To(MatchError("no connection"))
			Expect(schedulesAndPolicies(ctx)).To(BeZero())
		})

		It("needs no rights outside the namespace", func(ctx SpecContext) {
			for _, manifest := range []string{
				`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: tenant}, rules: [
          {apiGroups: [""], resources: [namespaces], verbs: [get]},
          {apiGroups: [stork.libopenstorage.org], resources: [clusterpairs], verbs: [get]},
          {apiGroups: [stork.libopenstorage.org], resources: [migrationschedules], verbs: [create]},
          {apiGroups: [stork.libopenstorage.org], resources: [namespacedschedulepolicies], verbs: [create, patch]}]}`,
				`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: tenant},
          roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tenant}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tenant}]}`,
			} {
				Expect(hereClient.Create(ctx, fromYAML(namespace, manifest))).To(Succeed())
			}
			kubeconfig, err := here.UserKubeconfig("tenant")
			Expect(err).NotTo(HaveOccurred())
			file := writeFile(kubeconfig)
			Eventually(func() result { return runOwn(ctx, "-i", "15", "--kubeconfig", file) }).Should(Equal(done))
			Expect(schedulesAndPolicies(ctx)).To(Equal(2))
		})

		It("refuses to share a policy", func(ctx SpecContext) {
			create(ctx, hereClient, newNamespacedPolicy(namespace, "ms1"))
			Expect(runOwn(ctx, "-i", "15")).To(Equal(fails(
				`error: could not create a schedule policy with specified interval: namespacedschedulepolicies.stork.libopenstorage.org "ms1" already exists`)))
			Expect(schedulesAndPolicies(ctx)).To(Equal(1))
		})
	})

	Describe("--schedule-policy-name", func() {
		It("finds a policy of the cluster, and one of the namespace before it", func(ctx SpecContext) {
			policy := newPolicy("p-" + namespace)
			create(ctx, hereClient, policy)
			Expect(runOwn(ctx, "-s", policy.Name)).To(Equal(done))
			Expect(hereClient.Delete(ctx, newSchedule(namespace, "ms1", ""))).To(Succeed())

			// Admission does not see that no February has 30 days.
			own := newNamespacedPolicy(namespace, policy.Name)
			own.Policy = storkv1alpha1.SchedulePolicyItem{Monthly: &storkv1alpha1.MonthlyPolicy{
				SelectiveMonthlyPolicy: &storkv1alpha1.SelectiveMonthlyPolicy{Months: "feb", Date: 30, Time: "3:04PM"}}}
			create(ctx, hereClient, own)
			Expect(runOwn(ctx, "-s", policy.Name)).To(Equal(fails("error: unable to use schedulepolicy " + policy.Name +
				": Invalid date of the month (30) in Monthly policy: write 1 to 31, and one that one of the months has")))
		})

		It("creates the default one where it is missing", Serial, func(ctx SpecContext) {
			Expect(hereClient.Delete(ctx, newPolicy(defaultPolicyName))).To(Succeed())
			Expect(runOwn(ctx, "--preview", "-o", "yaml").code).To(BeZero())
			policy := &storkv1alpha1.SchedulePolicy{}
			Expect(hereClient.Get(ctx, client.ObjectKey{Name: defaultPolicyName}, policy)).NotTo(Succeed())
			Expect(runOwn(ctx)).To(Equal(done))
			Expect(hereClient.Get(ctx, client.ObjectKey{Name: defaultPolicyName}, policy)).To(Succeed())
			Expect(policy.Policy).To(Equal(storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 30}}))
		})
	})
})
