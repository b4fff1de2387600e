package cli

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("create migrations", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"create", "migrations", "-n", namespace}, args...)...)
	}
	read := func(ctx context.Context, name string) *storkv1alpha1.Migration {
		GinkgoHelper()
		m := &storkv1alpha1.Migration{}
		Expect(hereClient.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, m)).To(Succeed())
		return m
	}

	It("says which argument is missing", func(ctx SpecContext) {
		Expect(run(ctx)).To(Equal(fails("error: exactly one name needs to be provided for migration name")))
		Expect(run(ctx, "m1", "m2")).To(Equal(fails("error: exactly one name needs to be provided for migration name")))
		Expect(run(ctx, "m1")).To(Equal(fails("error: ClusterPair name needs to be provided for migration")))
		Expect(run(ctx, "m1", "-c", "pair1")).To(Equal(fails("error: need to provide atleast one namespace to migrate")))
	})

	It("creates a Migration that starts applications unless told otherwise", func(ctx SpecContext) {
		Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", "ns1,ns2", "--preExecRule", "pre", "--postExecRule", "post", "--annotations", "a=b,c=d")).
			To(Equal(succeeds("Migration m1 created successfully\n")))
		m := read(ctx, "m1")
		Expect(m.Spec).To(Equal(storkv1alpha1.MigrationSpec{
			ClusterPair: "pair1", Namespaces: []string{"ns1", "ns2"}, PreExecRule: "pre", PostExecRule: "post",
			IncludeResources: new(true), IncludeVolumes: new(true), StartApplications: new(true),
			PurgeDeletedResources: new(false), SkipServiceUpdate: new(false), IncludeNetworkPolicyWithCIDR: new(false),
			SkipDeletedNamespaces: new(true), IgnoreOwnerReferencesCheck: new(false),
		}))
		Expect(m.Annotations).To(Equal(map[string]string{"a": "b", "c": "d"}))
	})

	It("takes false for what is true by default, and any spelling of the pair", func(ctx SpecContext) {
		Expect(run(ctx, "m1", "--clusterpair", "pair1", "--namespaces", "ns1", "-r=false", "--includeVolumes=false", "-a=false").code).To(BeZero())
		m := read(ctx, "m1")
		Expect([]any{m.Spec.ClusterPair, *m.Spec.IncludeResources, *m.Spec.IncludeVolumes, *m.Spec.StartApplications}).To(Equal([]any{"pair1", false, false, false}))
	})

	It("takes an admin pair alone", func(ctx SpecContext) {
		Expect(run(ctx, "m1", "--admin-cluster-pair", "admin", "--namespaces", "ns1").code).To(BeZero())
		Expect(read(ctx, "m1").Spec.AdminClusterPair).To(Equal("admin"))
	})

	It("refuses a name that is taken, in the server's words", func(ctx SpecContext) {
		create(ctx, hereClient, newMigration(namespace, "m1"))
		Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", "ns1")).To(Equal(fails(
			`Error from server (AlreadyExists): migrations.stork.libopenstorage.org "m1" already exists`)))
	})

	Describe("--wait", func() {
		set := func(ctx context.Context, stage, status, message string) {
			GinkgoHelper()
			m := read(ctx, "m1")
			m.Status.Stage, m.Status.Status = storkv1alpha1.MigrationStageType(stage), storkv1alpha1.MigrationStatusType(status)
			if message != "" {
				m.Status.Conditions = []metav1.Condition{{
					Type: storkv1alpha1.ConditionSucceeded, Status: metav1.ConditionFalse, Reason: "Failed", Message: message, LastTransitionTime: metav1.Now(),
				}}
			}
			Expect(hereClient.Status().Update(ctx, m)).To(Succeed())
		}
		wait := func(ctx context.Context, clock *clocktesting.FakeClock) *background {
			GinkgoHelper()
			b := start(ctx, clock, "create", "migrations", "m1", "-n", namespace, "-c", "pair1", "--namespaces", "ns1", "--wait")
			Eventually(b.out.String).Should(Equal("STAGE\t\tSTATUS              \n"))
			return b
		}

		It("prints each change and succeeds with the migration", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			set(ctx, "Volumes", "InProgress", "")
			Eventually(b.out.String).Should(HaveSuffix("Volumes\t\tInProgress          \n"))
			set(ctx, "Final", "Successful", "")
			Eventually(b.code).Should(Receive(BeZero()))
			Expect(b.out.String()).To(Equal("STAGE\t\tSTATUS              \nVolumes\t\tInProgress          \nFinal\t\tSuccessful          \nMigration m1 completed successfully\n"))
			Expect(b.err.String()).To(BeEmpty())
		})

		It("says what the migration waits for, once", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			set(ctx, "", "Pending", "ClusterPair a/b does not exist")
			Eventually(b.err.String).Should(Equal("waiting: ClusterPair a/b does not exist\n"))
			set(ctx, "Volumes", "Pending", "ClusterPair a/b does not exist")
			set(ctx, "Final", "Successful", "")
			Eventually(b.code).Should(Receive(BeZero()))
			Expect(b.err.String()).To(Equal("waiting: ClusterPair a/b does not exist\n"))
		})

		It("fails with the migration and says why", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			set(ctx, "Final", "Failed", "the pair is gone")
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.out.String()).To(Equal("STAGE\t\tSTATUS              \nFinal\t\tFailed              \nMigration m1 failed\n"))
			Expect(b.err.String()).To(Equal("error: migration m1 failed: the pair is gone; see `storkctl get migrations m1 -n " + namespace + " --report`\n"))
		})

		It("warns when only a part arrived", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			set(ctx, "Final", "PartialSuccess", "1 of 3 objects failed")
			Eventually(b.code).Should(Receive(BeZero()))
			Expect(b.out.String()).To(HaveSuffix("Migration m1 completed successfully\n"))
			Expect(b.err.String()).To(HavePrefix("warning: not everything arrived: 1 of 3 objects failed; see "))
		})

		It("fails when the migration is deleted", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			Expect(hereClient.Delete(ctx, read(ctx, "m1"))).To(Succeed())
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.err.String()).To(Equal("error: migration m1 was deleted\n"))
		})

		It("gives up after six hours", func(ctx SpecContext) {
			clock := clocktesting.NewFakeClock(now)
			b := wait(ctx, clock)
			Eventually(clock.HasWaiters).Should(BeTrue())
			clock.Step(6*time.Hour - time.Second)
			set(ctx, "Volumes", "InProgress", "")
			Eventually(b.out.String).Should(HaveSuffix("Volumes\t\tInProgress          \n"), "it still waits")
			clock.Step(time.Second)
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.err.String()).To(Equal("error: Timed out performing task\n"))
		})

		It("ends quietly with an interrupt", func(ctx SpecContext) {
			b := wait(ctx, clocktesting.NewFakeClock(now))
			b.stop()
			Eventually(b.code).Should(Receive(Equal(130)))
			Expect(b.err.String()).To(BeEmpty())
		})
	})

	Describe("--dry-run and --file", func() {
		pair := func(ctx context.Context, in, name, scheduler, storage string) {
			GinkgoHelper()
			p := newClusterPair(name, in, nil, nil)
			p.Spec.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: "any"}
			p.Status.SchedulerStatus, p.Status.StorageStatus = storkv1alpha1.ClusterPairStatusType(scheduler), storkv1alpha1.ClusterPairStatusType(storage)
			create(ctx, hereClient, p)
		}
		ready := lines(
			"[Optional] Checking Migration Namespaces....Ok",
			"[Required] Checking ClusterPair Status....Ok",
			"[Optional] Checking PreExec Rule....NotConfigured",
			"[Optional] Checking PostExec Rule....NotConfigured",
			"All Ready!!")

		It("finds all that a migration needs and creates nothing", func(ctx SpecContext) {
			pair(ctx, namespace, "pair1", "Ready", "NotProvided")
			Expect(run(ctx, "m1", "-c", "pair1", "--namespaces", namespace, "--dry-run")).To(Equal(succeeds(ready)))
			Expect(storkctl(ctx, "get", "migrations", "-n", namespace)).To(Equal(succeeds("No resources found.\n")))
		})

		It("says what is missing and fails", func(ctx SpecContext) {
			pair(ctx, namespace, "pair1", "Ready", "Error")
			rule := &storkv1alpha1.Rule{}
			rule.Name, rule.Namespace = "post", namespace
			create(ctx, hereClient, rule)
			got := run(ctx, "m1", "-c", "pair1", "--namespaces", "missing1,missing2", "--preExecRule", "pre", "--postExecRule", "post", "--dry-run")
			Expect(got).To(Equal(result{code: 1, err: "error: the migration cannot run as things are\n", out: lines(
				"[Optional] Checking Migration Namespaces....Missing namespace missing1, Missing namespace missing2",
				"[Required] Checking ClusterPair Status....NotReady",
				"[Optional] Checking PreExec Rule....NotFound",
				"[Optional] Checking PostExec Rule....Ok")}))
			Expect(run(ctx, "m1", "-c", "pair2", "--namespaces", namespace, "--dry-run").out).To(ContainSubstring("ClusterPair Status....NotFound\n"))
		})

		It("looks for an admin pair in the admin namespace that the operator publishes", func(ctx SpecContext) {
			pair(ctx, "kube-system", "admin-"+namespace, "Ready", "Ready")
			Expect(run(ctx, "m1", "--admin-cluster-pair", "admin-"+namespace, "--namespaces", namespace, "--dry-run")).To(Equal(succeeds(ready)))
			publishAdminNamespace(ctx, namespace)
			Expect(run(ctx, "m1", "--admin-cluster-pair", "admin-"+namespace, "--namespaces", namespace, "--dry-run").out).To(ContainSubstring("....NotFound\n"))
			pair(ctx, namespace, "admin-"+namespace, "Ready", "Ready")
			Expect(run(ctx, "m1", "--admin-cluster-pair", "admin-"+namespace, "--namespaces", namespace, "--dry-run")).To(Equal(succeeds(ready)))
		})

		It("checks a file, which needs no name, and creates nothing, also for one that exists", func(ctx SpecContext) {
			pair(ctx, namespace, "pair1", "Ready", "Ready")
			file := writeFile([]byte("apiVersion: stork.libopenstorage.org/v1alpha1\nkind: Migration\nmetadata: {name: m1}\nspec: {clusterPair: pair1, namespaces: [" + namespace + "]}\n"))
			Expect(run(ctx, "-f", file)).To(Equal(succeeds(ready)))
			Expect(storkctl(ctx, "get", "migrations", "-n", namespace)).To(Equal(succeeds("No resources found.\n")))
			create(ctx, hereClient, newMigration(namespace, "m1"))
			Expect(run(ctx, "-f", file)).To(Equal(succeeds(ready)))
		})

		It("fails for what the server refuses, a field that no Migration has, another kind, and a missing file", func(ctx SpecContext) {
			header := "apiVersion: stork.libopenstorage.org/v1alpha1\nkind: Migration\nmetadata: {name: m1}\n"
			pair(ctx, namespace, "pair1", "Ready", "Ready")
			invalid := writeFile([]byte(header + "spec: {clusterPair: pair1}\n"))
			Expect(run(ctx, "-f", invalid).err).To(ContainSubstring("no namespace to migrate"))
			unknown := writeFile([]byte(header + "spec: {clusterPear: pair1}\n"))
			Expect(run(ctx, "-f", unknown).err).To(And(HavePrefix("error: reading "+unknown+": "), ContainSubstring(`unknown field "clusterPear"`)))
			other := writeFile([]byte("apiVersion: v1\nkind: Pod\n"))
			Expect(run(ctx, "-f", other)).To(Equal(fails("error: reading " + other +
				`: it holds kind "Pod" of apiVersion "v1", not a Migration of stork.libopenstorage.org/v1alpha1`)))
			Expect(run(ctx, "-f", "/no/such/file")).To(Equal(fails("error: open /no/such/file: no such file or directory")))
		})
	})
})
