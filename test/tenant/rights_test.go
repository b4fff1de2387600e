package tenant_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

var _ = Describe("A user who may write Godwit's objects, but not read Secrets nor run commands", Ordered, ContinueOnFailure, func() {
	const name = "owner-of-limited"
	var (
		owner   *tenant
		limited client.Client
	)

	BeforeAll(func(ctx SpecContext) {
		owner = newTenant(ctx, name)
		expectPair(ctx, owner.pair(ctx, "remote", owner.honest()), storkv1alpha1.ReasonReady, "")
		Expect(here.Create(ctx, &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "limited"},
			Rules: []rbacv1.PolicyRule{{
				APIGroups: []string{storkv1alpha1.GroupName}, Verbs: []string{"*"},
				Resources: []string{"migrations", "migrations/status", "migrations/scale", "clusterpairs", "rules", "migrationschedules", "resourcetransformations"},
			}},
		})).To(Succeed())
		Expect(here.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "limited"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "limited"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "limited"}},
		})).To(Succeed())
		config, err := source.UserConfig("limited")
		Expect(err).NotTo(HaveOccurred())
		limited, err = localgodwit.Client(config)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() error { return limited.List(ctx, &storkv1alpha1.MigrationList{}, client.InNamespace(name)) }).Should(Succeed())
	})

	migration := func(id string) *storkv1alpha1.Migration {
		return &storkv1alpha1.Migration{
			TypeMeta:   metav1.TypeMeta{APIVersion: storkv1alpha1.GroupVersion.String(), Kind: "Migration"},
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: id},
			Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: []string{name}, IncludeVolumes: new(false)},
		}
	}
	harmless := func(id string) *storkv1alpha1.Migration {
		m := migration(id)
		m.Spec.ExcludeResourceTypes = []string{"Secret"}
		return m
	}
	beRefused := SatisfyAll(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("may not ")))
	rule := func(id string) *storkv1alpha1.Rule {
		return &storkv1alpha1.Rule{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: id},
			Rules:      []storkv1alpha1.RuleItem{{Actions: []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Value: "true"}}}},
		}
	}

	It("creates nothing with which the operator would do so, in whatever way", func(ctx SpecContext) {
		disguised := migration("disguised")
		disguised.OwnerReferences = []metav1.OwnerReference{{APIVersion: "stork.libopenstorage.org/v1alpha1", Kind: "MigrationSchedule", Name: "s", UID: "u"}}
		disguised.Labels = map[string]string{"admission.kubernetes.io/ignore": "true", "control-plane": "true", "app.kubernetes.io/name": "godwit"}
		disguised.Annotations = map[string]string{
			"stork.libopenstorage.org/migration-schedule-name": "s", "stork.libopenstorage.org/created-by-stork": "true",
			"kubernetes.io/created-by": operatorUser,
		}
		disguised.Finalizers = []string{storkv1alpha1.FinalizerCleanup}
		generated := migration("")
		generated.GenerateName = "generated-"
		commands := harmless("commands")
		commands.Spec.PreExecRule = "flush"
		after := harmless("after")
		after.Spec.PostExecRule = "flush"
		volumes := harmless("volumes")
		volumes.Spec.IncludeVolumes = nil
		otherGroup := migration("other-group")
		otherGroup.Spec.ExcludeResourceTypes = []string{"Secret.example.com", "secretx", "*"}
		schedule := &storkv1alpha1.MigrationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "schedule"}}
		schedule.Spec.SchedulePolicyName = "daily"
		schedule.Spec.Template.Spec = migration("").Spec
		bySecret := &storkv1alpha1.ClusterPair{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "by-secret"},
			Spec:       storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: "hidden", Key: "value"}},
		}
		secretTransformation := &storkv1alpha1.ResourceTransformation{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "guess"},
			Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{{
				Resource: "/v1/Secret", Paths: []storkv1alpha1.ResourcePath{{Path: "data.value", Operation: "add", Type: "string", Value: "Z3Vlc3M="}},
			}}},
		}
		for _, object := range []client.Object{
			migration("plain"), disguised, generated, commands, after, volumes, otherGroup, schedule, bySecret,
			owner.newPair("inline", owner.honest()), rule("rule"), secretTransformation,
		} {
			Expect(limited.Create(ctx, object)).To(beRefused, "%T %s", object, object.GetName())
			object.SetResourceVersion("")
			Expect(limited.Create(ctx, object, client.DryRunAll)).To(beRefused, "%T %s", object, object.GetName())
		}
		//nolint:staticcheck // A typed apply configuration would be the same on the wire.
		Expect(limited.Patch(ctx, migration("applied"), client.Apply, client.FieldOwner("me"), client.ForceOwnership)).To(beRefused)
	})

	It("changes nothing into that, in whatever way", func(ctx SpecContext) {
		Expect(owner.here.Create(ctx, rule("theirs"))).To(Succeed())
		pair := owner.pair(ctx, "theirs", owner.honest())
		waiting := harmless("waiting")
		waiting.Spec.ClusterPair = "missing"
		Expect(limited.Create(ctx, waiting)).To(Succeed())
		patches := map[string]client.Patch{
			"merge": client.RawPatch(types.MergePatchType, []byte(`{"spec":{"excludeResourceTypes":null}}`)),
			"json":  client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/excludeResourceTypes"}]`)),
			"disguised": client.RawPatch(types.MergePatchType,
				[]byte(`{"metadata":{"labels":{"x":"y"},"finalizers":null},"spec":{"excludeResourceTypes":["Secretx"]},"status":{"stage":"Final"}}`)),
			"apply": client.RawPatch(types.ApplyYAMLPatchType, []byte(`{"apiVersion":"stork.libopenstorage.org/v1alpha1","kind":"Migration",
				"metadata":{"name":"waiting"},"spec":{"excludeResourceTypes":["x"],"preExecRule":"theirs"}}`)),
		}
		for id, patch := range patches {
			options := []client.PatchOption{client.FieldOwner("me")}
			if id == "apply" {
				options = append(options, client.ForceOwnership)
			}
			Expect(limited.Patch(ctx, waiting.DeepCopy(), patch, options...)).To(beRefused, id)
			Expect(limited.Patch(ctx, waiting.DeepCopy(), patch, append(options, client.DryRunAll)...)).To(beRefused, id)
		}
		updated := waiting.DeepCopy()
		Expect(limited.Get(ctx, client.ObjectKeyFromObject(waiting), updated)).To(Succeed())
		updated.Spec.ExcludeResourceTypes = nil
		Expect(limited.Update(ctx, updated)).To(Satisfy(apierrors.IsForbidden))
		_ = limited.Status().Patch(ctx, waiting.DeepCopy(), patches["merge"])
		Expect(limited.SubResource("scale").Patch(ctx, waiting.DeepCopy(), patches["merge"])).NotTo(Succeed())
		Expect(here.Get(ctx, client.ObjectKeyFromObject(waiting), waiting)).To(Succeed())
		Expect(waiting.Spec.ExcludeResourceTypes).To(Equal([]string{"Secret"}))

		Expect(limited.Patch(ctx, pair, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"options":{"x":"y"}}}`)))).To(beRefused)
		Expect(limited.Patch(ctx, rule("theirs"), client.RawPatch(types.JSONPatchType,
			[]byte(`[{"op":"replace","path":"/rules/0/actions/0/value","value":"id"}]`)))).To(beRefused)
		// What asks for nothing new is nobody's business.
		Expect(limited.Patch(ctx, rule("theirs"), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`)))).To(Succeed())
	})

	It("is not somebody else by saying so", func(ctx SpecContext) {
		config, err := source.UserConfig("limited")
		Expect(err).NotTo(HaveOccurred())
		for _, as := range []rest.ImpersonationConfig{{UserName: name}, {UserName: operatorUser}, {UserName: "limited", Groups: []string{"system:masters"}}} {
			config.Impersonate = as
			impostor, err := client.New(config, client.Options{Scheme: limited.Scheme(), Mapper: limited.RESTMapper()})
			Expect(err).NotTo(HaveOccurred())
			Expect(impostor.Create(ctx, migration("impostor"))).To(MatchError(ContainSubstring("cannot impersonate")))
		}
	})

	It("migrates the rest, and Secrets stay however they are spelt", func(ctx SpecContext) {
		for i, spelling := range []string{"Secret", "secrets", "SECRET", "Secret.core", "secrets.", " secret "} {
			allowed := harmless(fmt.Sprintf("rest-%d", i))
			allowed.Spec.ExcludeResourceTypes = []string{spelling}
			Expect(limited.Create(ctx, allowed)).To(Succeed(), spelling)
			Eventually(func(g Gomega) {
				g.Expect(here.Get(ctx, client.ObjectKeyFromObject(allowed), allowed)).To(Succeed())
				g.Expect(allowed.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
			}).Should(Succeed())
			Expect(slices.ContainsFunc(allowed.Status.Resources, func(r *storkv1alpha1.MigrationResourceInfo) bool { return r.Kind == "ConfigMap" })).To(BeTrue())
			Expect(slices.ContainsFunc(allowed.Status.Resources, func(r *storkv1alpha1.MigrationResourceInfo) bool { return r.Kind == "Secret" })).To(BeFalse(), spelling)
		}
	})

	It("gets nowhere by huge objects or many requests", func(ctx SpecContext) {
		huge := migration("huge")
		huge.Annotations = map[string]string{"x": strings.Repeat("x", 200<<10)}
		huge.Spec.Selectors = map[string]string{}
		for i := range 500 {
			huge.Spec.Selectors[fmt.Sprintf("key-%d", i)] = strings.Repeat("v", 60)
		}
		Expect(limited.Create(ctx, huge)).NotTo(Succeed())
		many := migration("many")
		for i := range 50_000 {
			many.Spec.Namespaces = append(many.Spec.Namespaces, fmt.Sprintf("n-%d", i))
		}
		Expect(limited.Create(ctx, many)).NotTo(Succeed())
		var flood errgroup.Group
		flood.SetLimit(50)
		for i := range 500 {
			flood.Go(func() error {
				if err := limited.Create(ctx, migration(fmt.Sprintf("flood-%d", i))); !apierrors.IsForbidden(err) {
					return fmt.Errorf("request %d: %w", i, err)
				}
				return nil
			})
		}
		expectService(ctx)
		Expect(flood.Wait()).To(Succeed())
		migrations := &unstructured.UnstructuredList{}
		migrations.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind("MigrationList"))
		Expect(here.List(ctx, migrations, client.InNamespace(name))).To(Succeed())
		for _, found := range migrations.Items {
			Expect(found.GetName()).To(Or(HavePrefix("rest-"), Equal("waiting")))
		}
	})

	It("finds no namespace and no object that is not judged", func(ctx context.Context) {
		configuration := &admissionv1.ValidatingWebhookConfiguration{}
		Expect(here.Get(ctx, client.ObjectKey{Name: "godwit"}, configuration)).To(Succeed())
		for _, webhook := range configuration.Webhooks {
			Expect(webhook.NamespaceSelector).To(HaveValue(BeZero()), webhook.Name)
			Expect(webhook.ObjectSelector).To(HaveValue(BeZero()), webhook.Name)
			Expect(webhook.FailurePolicy).To(HaveValue(Equal(admissionv1.Fail)), webhook.Name)
			Expect(webhook.MatchPolicy).To(HaveValue(Equal(admissionv1.Equivalent)), webhook.Name)
		}
	})
})
