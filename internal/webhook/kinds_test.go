package webhook

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func named(namespace string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, GenerateName: "test-"}
}

func migrationOf(namespace string, namespaces ...string) *storkv1alpha1.Migration {
	return &storkv1alpha1.Migration{
		ObjectMeta: named(namespace),
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "pair", Namespaces: namespaces},
	}
}

func scheduleOf(migration *storkv1alpha1.Migration) *storkv1alpha1.MigrationSchedule {
	return &storkv1alpha1.MigrationSchedule{
		ObjectMeta: named(migration.Namespace),
		Spec: storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: "daily", Template: storkv1alpha1.MigrationTemplateSpec{Spec: migration.Spec},
		},
	}
}

func pairIn(namespace string) *storkv1alpha1.ClusterPair {
	return &storkv1alpha1.ClusterPair{
		ObjectMeta: named(namespace),
		Spec:       storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: "kubeconfig"}},
	}
}

func ruleIn(namespace string) *storkv1alpha1.Rule {
	return &storkv1alpha1.Rule{ObjectMeta: named(namespace), Rules: []storkv1alpha1.RuleItem{{
		PodSelector: map[string]string{"app": "db"},
		Actions:     []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Value: "sync"}},
	}}}
}

func transformationOf(resource string) *storkv1alpha1.ResourceTransformation {
	return &storkv1alpha1.ResourceTransformation{
		ObjectMeta: named("shop"),
		Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{{
			Resource: resource,
			Paths:    []storkv1alpha1.ResourcePath{{Path: "metadata.labels.a", Value: "b", Type: "string", Operation: "add"}},
		}}},
	}
}

func copyOf(schedule *storkv1alpha1.MigrationSchedule) *storkv1alpha1.MigrationSchedule {
	schedule.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
	return schedule
}

func actionOf(namespace string, namespaces ...string) *storkv1alpha1.Action {
	return &storkv1alpha1.Action{ObjectMeta: named(namespace), Spec: storkv1alpha1.ActionSpec{
		ActionType: storkv1alpha1.ActionTypeFailover,
		ActionParameter: storkv1alpha1.ActionParameter{FailoverParameter: storkv1alpha1.FailoverParameter{
			FailoverNamespaces: namespaces, MigrationScheduleReference: "dr",
		}},
	}}
}

func filtered(change func(*storkv1alpha1.ActionFilter)) *storkv1alpha1.Action {
	action := actionOf("shop", "shop")
	change(&action.Spec.ActionParameter.FailoverParameter.ActionFilter)
	return action
}

func policyOf(item storkv1alpha1.SchedulePolicyItem) *storkv1alpha1.NamespacedSchedulePolicy {
	return &storkv1alpha1.NamespacedSchedulePolicy{ObjectMeta: named("shop"), Policy: item}
}

func with(migration *storkv1alpha1.Migration, change func(*storkv1alpha1.MigrationSpec)) *storkv1alpha1.Migration {
	change(&migration.Spec)
	return migration
}

var _ = Describe("A requester", func() {
	DescribeTable("is refused what the operator would do with rights that the requester lacks",
		func(ctx SpecContext, user string, object client.Object, message string) {
			err := as(user).Create(ctx, object)
			Expect(err).To(MatchError(And(ContainSubstring("is forbidden"), ContainSubstring(message))))
		},
		Entry("reading Secrets", "nobody", migrationOf("shop", "shop"),
			`user "nobody" may not list secrets in namespace shop, and the operator reads Secrets there and sends them to the other cluster`),
		Entry("reading Secrets for a schedule", "nobody", scheduleOf(migrationOf("shop", "shop")), "may not list secrets in namespace shop"),
		Entry("sending data of volumes", "reader", migrationOf("shop", "shop"), "may not create pods in namespace shop"),
		Entry("running commands before", "mover",
			with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "r" }), "may not create pods/exec in namespace shop"),
		Entry("running commands after", "mover",
			with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) { s.PostExecRule = "r" }), "may not create pods/exec in namespace shop"),
		Entry("each of several things", "nobody",
			with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "r" }),
			"may not create pods in namespace shop, and the operator sends the data of volumes there to the other cluster: get that right, "+
				"or ask someone who has it to make this request; user \"nobody\" may not create pods/exec"),
		Entry("one of several namespaces", "runner", migrationOf(adminNamespace, "shop", "other"), "may not list secrets in namespace other,"),
		Entry("namespaces that selectors choose, now or later", "both",
			with(migrationOf(adminNamespace, "shop"), func(s *storkv1alpha1.MigrationSpec) {
				s.NamespaceSelectors = map[string]string{"kubernetes.io/metadata.name": "shop"}
			}), "may not list secrets in all namespaces"),
		Entry("its own namespace, whatever selectors choose", "nobody",
			with(migrationOf("shop"), func(s *storkv1alpha1.MigrationSpec) { s.NamespaceSelectors = map[string]string{"a": "b"} }),
			"may not list secrets in namespace shop"),
		Entry("saying where Secrets go", "nobody", pairIn("shop"), "may not list secrets in namespace shop"),
		Entry("saying what runs in pods", "mover", ruleIn("shop"), "may not create pods/exec in namespace shop"),
		Entry("saying what roles become that are copied with another's rights", "mover", transformationOf("rbac.authorization.k8s.io/v1/Role"),
			"may not escalate roles in namespace shop"),
		Entry("saying whom bindings are for that are copied with another's rights", "mover",
			transformationOf("rbac.authorization.k8s.io/v1/RoleBinding"), "may not bind clusterroles in namespace shop"),
		Entry("trying changes on Secrets", "nobody", transformationOf("/v1/Secret"), "may not list secrets in namespace shop"),
		Entry("stopping workloads", "runner", actionOf("shop", "shop"),
			`may not patch deployments in namespace shop, and the operator stops and starts workloads there`),
		Entry("stopping all workloads of a schedule", "runner", actionOf("shop"), "may not patch deployments in namespace shop"),
		Entry("stopping workloads elsewhere", "scaler", actionOf(adminNamespace, "shop", "other"), "may not patch deployments in namespace other,"),
		Entry("stopping all workloads of any schedule", "scaler", actionOf(adminNamespace), "may not patch deployments in all namespaces"),
		Entry("saying what runs in all pods", "runner", ruleIn(adminNamespace), "may not create pods/exec in all namespaces"),
	)

	DescribeTable("is admitted with the rights for what is asked for, and no more",
		func(ctx SpecContext, user string, object client.Object) {
			Expect(as(user).Create(ctx, object)).To(Succeed())
		},
		Entry("everything in one namespace", "runner",
			with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "r" })),
		Entry("no commands", "mover", migrationOf("shop", "shop")),
		Entry("no volumes", "reader", with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) { s.IncludeVolumes = new(false) })),
		Entry("neither volumes nor Secrets", "nobody", with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) {
			s.IncludeVolumes, s.ExcludeResourceTypes = new(false), []string{"ConfigMap", "secrets"}
		})),
		Entry("several namespaces", "both", migrationOf(adminNamespace, "shop", "other")),
		Entry("all namespaces", "everywhere", with(migrationOf(adminNamespace, "nowhere", "shop"), func(s *storkv1alpha1.MigrationSpec) {
			s.NamespaceSelectors = map[string]string{"a": "b"}
		})),
		Entry("a schedule", "mover", scheduleOf(migrationOf("shop", "shop"))),
		Entry("a pair", "reader", pairIn("shop")),
		Entry("a rule", "runner", ruleIn("shop")),
		Entry("changes of what gives nobody rights", "nobody", transformationOf("apps/v1/Deployment")),
		Entry("a copy of another cluster's schedule", "nobody", copyOf(scheduleOf(migrationOf("shop", "shop")))),
		Entry("an Action", "scaler", actionOf("shop", "shop")),
		Entry("an Action for all of a schedule", "scaler", actionOf("shop")),
		Entry("an Action for any", "everywhere", actionOf(adminNamespace)),
		Entry("a rule for all", "everywhere", ruleIn(adminNamespace)),
	)

	It("has the rights of its groups", func(ctx SpecContext) {
		Expect(as("nobody", "shop-runners").Create(ctx, migrationOf("shop", "shop"))).To(Succeed())
	})

	It("is not asked where it is the operator, which makes the Migrations of schedules", func(ctx SpecContext) {
		operator := as("system:serviceaccount:kube-system:godwit")
		Expect(operator.Create(ctx, migrationOf("shop", "shop"))).To(Succeed())
		Expect(operator.Create(ctx, ruleIn("shop"))).To(Succeed())
	})

	It("is asked when what is wanted changes, and not when anything else does", func(ctx SpecContext) {
		migration := migrationOf("shop", "shop")
		Expect(as("mover").Create(ctx, migration)).To(Succeed())
		nobody := as("nobody")
		migration.Labels = map[string]string{"a": "b"}
		migration.Finalizers = []string{"example.com/keep"}
		Expect(nobody.Update(ctx, migration)).To(Succeed())
		migration.Spec.PurgeDeletedResources = new(true)
		Expect(nobody.Update(ctx, migration)).To(MatchError(ContainSubstring("may not list secrets")))
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		migration.Finalizers = nil
		Expect(nobody.Update(ctx, migration)).To(Succeed())
		Expect(nobody.Delete(ctx, migration)).To(Succeed())
	})

	It("may suspend and resume without the rights of a schedule, but not change what it migrates", func(ctx SpecContext) {
		schedule := scheduleOf(migrationOf("shop", "shop"))
		Expect(as("mover").Create(ctx, schedule)).To(Succeed())
		nobody := as("nobody")
		for _, suspend := range []bool{true, false} {
			schedule.Spec.Suspend = new(suspend)
			Expect(nobody.Update(ctx, schedule)).To(Succeed())
		}
		schedule.Spec.Template.Spec.PurgeDeletedResources = new(true)
		Expect(nobody.Update(ctx, schedule)).To(MatchError(ContainSubstring("may not list secrets")))
	})

	It("cannot make a schedule of a copy without its rights", func(ctx SpecContext) {
		nobody, schedule := as("nobody"), copyOf(scheduleOf(migrationOf("shop", "shop")))
		Expect(nobody.Create(ctx, schedule)).To(Succeed())
		schedule.Annotations = nil
		Expect(nobody.Update(ctx, schedule)).To(MatchError(ContainSubstring("may not list secrets")))
	})

	It("is judged in a dry run too", func(ctx SpecContext) {
		Expect(as("nobody").Create(ctx, migrationOf("shop", "shop"), client.DryRunAll)).To(MatchError(ContainSubstring("may not list secrets")))
	})
})

var _ = Describe("An object", func() {
	DescribeTable("is refused where it can never be right, whoever asks", func(ctx SpecContext, object client.Object, message string) {
		err := admin.Create(ctx, object)
		Expect(err).To(MatchError(And(ContainSubstring("is invalid: "), ContainSubstring(message))))
	},
		Entry("a Migration whose selector is no label", with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) {
			s.ExcludeSelectors = map[string]string{"app": "web, api"}
		}), `spec.excludeSelectors: app: "web, api" is no label's value`),
		Entry("a schedule of such Migrations", scheduleOf(with(migrationOf("shop", "shop"), func(s *storkv1alpha1.MigrationSpec) {
			s.Selectors = map[string]string{"app": "web, api"}
		})), `spec.template.spec.selectors: app: "web, api" is no label's value`),
		Entry("a Migration of another namespace", migrationOf("shop", "shop", "other"),
			`spec.namespaces[1] is "other", but migration namespaces should only contain the current namespace, shop`),
		Entry("a schedule of another namespace", scheduleOf(migrationOf("shop", "other")), `spec.template.spec.namespaces[0] is "other"`),
		Entry("a schedule by a policy that cannot be", func() client.Object {
			schedule := scheduleOf(migrationOf("shop", "shop"))
			schedule.Spec.SchedulePolicyName = "every day"
			return schedule
		}(), `spec.schedulePolicyName is "every day", which is no name of an object`),
		Entry("a policy in a zone that is none", policyOf(storkv1alpha1.SchedulePolicyItem{
			Daily: &storkv1alpha1.DailyPolicy{Time: "1:00AM"}, TimeZone: "Europe/Atlantis",
		}), "policy: Invalid timeZone (Europe/Atlantis): write a name of the IANA time zone database"),
		Entry("a policy for a date that no month has", &storkv1alpha1.SchedulePolicy{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
			Policy: storkv1alpha1.SchedulePolicyItem{Monthly: &storkv1alpha1.MonthlyPolicy{
				SelectiveMonthlyPolicy: &storkv1alpha1.SelectiveMonthlyPolicy{Months: "feb", Date: 30, Time: "1:00AM"},
			}},
		}, "policy: Invalid date of the month (30)"),
		Entry("an Action in another namespace", actionOf("shop", "shop", "other"),
			`spec.actionParameter.failoverParameter.failoverNamespaces[1] is "other", but an Action should only name the current namespace, shop`),
		Entry("an Action in a namespace that cannot be", actionOf(adminNamespace, "Shop"), `failoverNamespaces[0] is "Shop", which is no name of a namespace`),
		Entry("an Action by a selector that is no label", filtered(func(f *storkv1alpha1.ActionFilter) {
			f.ExcludeSelectors = map[string]string{"app": "web, api"}
		}), `spec.actionParameter.failoverParameter.excludeSelectors: app: "web, api" is no label's value`),
		Entry("an Action on what is no kind", filtered(func(f *storkv1alpha1.ActionFilter) {
			f.Types = []string{"Deployment", "statefulsets.apps", "apps/v1/Deployment", "/v1/Pod", "apps/Deployment"}
		}), `spec.actionParameter.failoverParameter.types[4] is "apps/Deployment", which is no kind`),
		Entry("an Action on an object elsewhere", filtered(func(f *storkv1alpha1.ActionFilter) {
			f.IncludeObjects = []storkv1alpha1.ObjectInfo{{Kind: "Deployment", Name: "web", Namespace: "other"}}
		}), `includeObjects[0] is in namespace "other", which failoverNamespaces does not name`),
		Entry("a kubeconfig that runs commands", &storkv1alpha1.ClusterPair{
			ObjectMeta: named("shop"),
			Spec: storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: []byte(`{"current-context": "c",
				"contexts": {"c": {"cluster": "c", "user": "u"}}, "clusters": {"c": {"server": "https://example.com"}},
				"users": {"u": {"exec": {"command": "sh", "apiVersion": "client.authentication.k8s.io/v1"}}}}`)}},
		}, `spec.config: kubeconfig: user "u": it has an exec plug-in`),
		Entry("a Rule without a command", &storkv1alpha1.Rule{ObjectMeta: named("shop"), Rules: []storkv1alpha1.RuleItem{{
			PodSelector: map[string]string{"app": "db"},
			Actions:     []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Background: true, Value: "sleep 1"}},
		}}}, "rules[0].actions[0]: value has no ${WAIT_CMD}"),
		Entry("a change that cannot be made", &storkv1alpha1.ResourceTransformation{
			ObjectMeta: named("shop"),
			Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{{
				Resource: "apps/v1/Deployment",
				Paths:    []storkv1alpha1.ResourcePath{{Path: "spec.replicas", Value: "many", Type: "int", Operation: "modify"}},
			}}},
		}, "is invalid: specs.transformSpecs[0].paths[0]"),
		Entry("a field that cannot be remembered", &storkv1alpha1.ApplicationRegistration{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
			Resources: []storkv1alpha1.ApplicationResource{{
				Group: "example.com", Version: "v1", Kind: "App",
				SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec." + strings.Repeat("long", 20), Type: "bool"},
			}},
		}, "resources[0]: suspendOptions of App"),
	)

	It("is a Migration that has begun and does what it said", func(ctx SpecContext) {
		migration := migrationOf("shop", "shop")
		Expect(admin.Create(ctx, migration)).To(Succeed())
		migration.Spec.StartApplications = new(true)
		Expect(admin.Update(ctx, migration)).To(Succeed(), "it has not begun")
		migration.Status.Stage = storkv1alpha1.MigrationStageApplications
		Expect(admin.Status().Update(ctx, migration)).To(Succeed())
		migration.Spec.StartApplications = new(false)
		Expect(admin.Update(ctx, migration)).To(MatchError(ContainSubstring(`the Migration has begun, its stage is "Applications", and cannot be changed any more`)))
	})

	It("is an Action that has begun and does what it said", func(ctx SpecContext) {
		action := actionOf("shop", "shop")
		Expect(admin.Create(ctx, action)).To(Succeed())
		action.Spec.ActionParameter.FailoverParameter.SkipSourceOperations = new(true)
		Expect(admin.Update(ctx, action)).To(Succeed(), "it has not begun")
		action.Status.Status = storkv1alpha1.ActionStatusInProgress
		Expect(admin.Status().Update(ctx, action)).To(Succeed())
		action.Spec.ActionParameter.FailoverParameter.SkipSourceOperations = nil
		Expect(admin.Update(ctx, action)).To(MatchError(ContainSubstring("the Action has begun and cannot be changed any more")))
	})

	It("is left alone by changes that have nothing to do with what is wrong", func(ctx SpecContext) {
		configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
		Expect(admin.Get(ctx, client.ObjectKey{Name: "godwit"}, configuration)).To(Succeed())
		Expect(admin.Delete(ctx, configuration)).To(Succeed())
		migration := migrationOf("shop", "other")
		Eventually(func() error { return admin.Create(ctx, migration.DeepCopy(), client.DryRunAll) }).Should(Succeed())
		Expect(admin.Create(ctx, migration)).To(Succeed())
		configuration.ResourceVersion, configuration.UID = "", ""
		Expect(admin.Create(ctx, configuration)).To(Succeed())
		Eventually(func() error { return admin.Create(ctx, migrationOf("shop", "other"), client.DryRunAll) }).ShouldNot(Succeed())

		migration.Finalizers = []string{storkv1alpha1.FinalizerCleanup}
		Expect(admin.Update(ctx, migration)).To(Succeed())
		migration.Status.Stage = storkv1alpha1.MigrationStageFinal
		Expect(admin.Status().Update(ctx, migration)).To(Succeed())
		migration.Finalizers = nil
		Expect(admin.Update(ctx, migration)).To(Succeed())
	})
})
