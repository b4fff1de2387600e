package cli

import (
	"context"
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const migrationHeader = "NAME   CLUSTERPAIR   STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED   TOTAL BYTES TRANSFERRED"

// newMigration returns a Migration of namespace ns1 to the ClusterPair pair1.
func newMigration(namespace, name string) *storkv1alpha1.Migration {
	m := &storkv1alpha1.Migration{Spec: storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns1"}}}
	m.Name, m.Namespace = name, namespace
	return m
}

// created is the CREATED cell of an object.
func created(o client.Object) string {
	return o.GetCreationTimestamp().UTC().Format("02 Jan 06 15:04 MST")
}

var _ = Describe("get migrations", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })

	// getAt runs a get command when m has existed for 90 seconds.
	getAt := func(ctx context.Context, m *storkv1alpha1.Migration, args ...string) result {
		GinkgoHelper()
		clock := clocktesting.NewFakeClock(m.CreationTimestamp.Add(90 * time.Second))
		out, errOut := &buffer{}, &buffer{}
		code := Execute(ctx, newTestCommandAt(clock, out, errOut, append([]string{"get", "migrations"}, args...)...))
		return result{out: out.String(), err: errOut.String(), code: code}
	}

	It("says when there is none, in every form of output", func(ctx SpecContext) {
		for _, output := range []string{"table", "json", "yaml"} {
			Expect(storkctl(ctx, "get", "migrations", "-n", namespace, "-o", output)).To(Equal(succeeds("No resources found.\n")))
		}
	})

	It("prints one, by either name of the command", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		create(ctx, hereClient, m)
		want := succeeds(lines(migrationHeader,
			"m1     pair1                          0/0       0/0         "+created(m)+"   1m30s     Available with stork v2.9.0+"))
		Expect(getAt(ctx, m, "-n", namespace)).To(Equal(want))
		Expect(getAt(ctx, m, "m1", "-n", namespace)).To(Equal(want))
	})

	It("prints all that are named, and names all that are missing", func(ctx SpecContext) {
		m1, m2, m3 := newMigration(namespace, "m1"), newMigration(namespace, "m2"), newMigration(namespace, "m3")
		for _, m := range []*storkv1alpha1.Migration{m1, m2, m3} {
			m.Status.Summary = &storkv1alpha1.MigrationSummary{}
			create(ctx, hereClient, m)
		}
		got := getAt(ctx, m1, "m1", "no1", "m3", "no2", "-n", namespace)
		Expect(got.code).To(Equal(1))
		Expect(got.err).To(Equal(lines(
			`Error from server (NotFound): migrations.stork.libopenstorage.org "no1" not found`,
			`Error from server (NotFound): migrations.stork.libopenstorage.org "no2" not found`)))
		Expect(got.out).To(And(ContainSubstring("\nm1 "), ContainSubstring("\nm3 ")))
		Expect(got.out).NotTo(ContainSubstring("\nm2 "))
	})

	It("names the namespaces with --all-namespaces or -A, also for a name", func(ctx SpecContext) {
		other := newNamespace(ctx, hereClient, nil)
		m, same := newMigration(namespace, "shared-"+namespace), newMigration(other, "shared-"+namespace)
		create(ctx, hereClient, m)
		create(ctx, hereClient, same)
		for _, flag := range []string{"-A", "--all-namespaces"} {
			got := getAt(ctx, m, m.Name, flag)
			Expect(got.code).To(BeZero())
			Expect(got.out).To(HavePrefix("NAMESPACE    NAME                CLUSTERPAIR"))
			Expect(got.out).To(And(ContainSubstring(namespace+"   "+m.Name), ContainSubstring(other+"   "+m.Name)))
		}
		Expect(storkctl(ctx, "get", "migrations", "-A", "no-such")).To(Equal(fails(
			`Error from server (NotFound): migrations.stork.libopenstorage.org "no-such" not found`)))
	})

	It("filters by pair, in every spelling, and by admin pair", func(ctx SpecContext) {
		m, to2, admin := newMigration(namespace, "m1"), newMigration(namespace, "m2"), newMigration(namespace, "m3")
		to2.Spec.ClusterPair = "pair2"
		admin.Spec.ClusterPair, admin.Spec.AdminClusterPair = "", "admin"
		for _, each := range []*storkv1alpha1.Migration{m, to2, admin} {
			create(ctx, hereClient, each)
		}
		for _, flag := range []string{"-c", "--clusterpair", "--clusterPair", "--cluster-pair"} {
			got := getAt(ctx, to2, "-n", namespace, flag, "pair2")
			Expect(got).To(Equal(succeeds(lines(migrationHeader,
				"m2     pair2                          0/0       0/0         "+created(to2)+"   1m30s     Available with stork v2.9.0+"))), flag)
		}
		Expect(getAt(ctx, admin, "-n", namespace, "--admin-cluster-pair", "admin").out).To(HavePrefix(migrationHeader + "\nm3 "))
		Expect(storkctl(ctx, "get", "migrations", "-n", namespace, "-c", "pair9")).To(Equal(succeeds("No resources found.\n")))
	})

	It("prints a List of complete objects as YAML and JSON, also for one name", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		m.Status.Report = &storkv1alpha1.MigrationReport{ConfigMaps: []string{"part"}, Total: 5}
		create(ctx, hereClient, m)
		for output, unmarshal := range map[string]func([]byte, any) error{
			"yaml": func(b []byte, v any) error { return yaml.Unmarshal(b, v) }, "json": json.Unmarshal,
		} {
			got := storkctl(ctx, "get", "migrations", "m1", "-n", namespace, "-o", output)
			Expect(got.code).To(BeZero(), got.err)
			list := struct {
				metav1.TypeMeta `json:",inline"`
				Items           []storkv1alpha1.Migration `json:"items"`
			}{}
			Expect(unmarshal([]byte(got.out), &list)).To(Succeed())
			Expect(list.TypeMeta).To(Equal(metav1.TypeMeta{Kind: "List", APIVersion: "v1"}))
			Expect(list.Items).To(HaveLen(1))
			Expect(list.Items[0].TypeMeta).To(Equal(metav1.TypeMeta{Kind: "Migration", APIVersion: "stork.libopenstorage.org/v1alpha1"}))
			Expect(list.Items[0].Status.Report).To(Equal(m.Status.Report))
			Expect(list.Items[0].ManagedFields).To(BeEmpty())
		}
	})

	It("refuses an unknown form of output before it asks the server", func(ctx SpecContext) {
		Expect(storkctl(ctx, "get", "migrations", "-o", "wide")).To(Equal(fails("error: unsupported output type wide")))
	})

	It("prints only what changed while it watches, in all namespaces if told so", func(ctx SpecContext) {
		other := newNamespace(ctx, hereClient, nil)
		m1, m2, far := newMigration(namespace, "m1"), newMigration(namespace, "m2"), newMigration(other, "far")
		pair := "watched-" + namespace
		for _, m := range []*storkv1alpha1.Migration{m1, m2, far} {
			m.Spec.ClusterPair = pair
			m.Status.Summary = &storkv1alpha1.MigrationSummary{}
			create(ctx, hereClient, m)
		}
		in := start(ctx, clocktesting.NewFakeClock(now), "get", "migrations", "-n", namespace, "-w", "-c", pair)
		everywhere := start(ctx, clocktesting.NewFakeClock(now), "get", "migrations", "-A", "-w", "-c", pair)
		row := func(m *storkv1alpha1.Migration, stage, status string) string {
			return m.Name + "     " + pair + "   " + stage + status + "0/0       0/0         " + created(m) + "   Volumes (NA) Resources (NA)   0"
		}
		header := "NAME   CLUSTERPAIR          STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED                       TOTAL BYTES TRANSFERRED"
		first := lines(header, row(m1, "        ", "         "), row(m2, "        ", "         "))
		Eventually(in.out.String).Should(Equal(first))
		Eventually(everywhere.out.String).Should(ContainSubstring("far"))

		m2.Status.Stage, m2.Status.Status = "Final", "Failed"
		Expect(hereClient.Status().Update(ctx, m2)).To(Succeed())
		Eventually(in.out.String).Should(Equal(first + lines(row(m2, "Final   ", "Failed   "))))

		Eventually(everywhere.out.String).Should(ContainSubstring("Failed"))
		before := everywhere.out.String()
		far.Status.Stage = "Volumes"
		Expect(hereClient.Status().Update(ctx, far)).To(Succeed())
		Eventually(func() string { return everywhere.out.String()[len(before):] }).Should(MatchRegexp(`^` + other + ` +far +` + pair + ` +Volumes [^\n]*\n$`))
		Expect(hereClient.Delete(ctx, m1)).To(Succeed())
		m2.Status.Status = "Purged"
		Expect(hereClient.Status().Update(ctx, m2)).To(Succeed())
		Eventually(in.out.String).Should(Equal(first+lines(row(m2, "Final   ", "Failed   "), row(m2, "Final   ", "Purged   "))), "the deleted one is not printed")
		in.stop()
		Eventually(in.code).Should(Receive(Equal(130)))
		Expect(in.err.String()).To(BeEmpty())
	})

	It("prints each changed object by itself when it watches in YAML", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		create(ctx, hereClient, m)
		watching := start(ctx, clocktesting.NewFakeClock(now), "get", "migrations", "m1", "-n", namespace, "-w", "-o", "yaml")
		Eventually(watching.out.String).Should(And(HavePrefix("apiVersion: stork.libopenstorage.org/v1alpha1\nkind: Migration\n"), HaveSuffix("\n")))
		m.Status.Stage = "Final"
		Expect(hereClient.Status().Update(ctx, m)).To(Succeed())
		Eventually(watching.out.String).Should(And(ContainSubstring("\n---\napiVersion: "), ContainSubstring("stage: Final")))
	})
})

var _ = Describe("delete migrations", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"delete", "migrations", "-n", namespace}, args...)...)
	}

	It("wants a name or a pair, and not both", func(ctx SpecContext) {
		Expect(run(ctx)).To(Equal(fails("error: at least one argument needs to be provided for migration name")))
		Expect(run(ctx, "m1", "-c", "pair1")).To(Equal(fails(
			"error: provide either names or a ClusterPair, which stands for everything that migrates to it")))
	})

	It("deletes all that are named, and names all that are missing", func(ctx SpecContext) {
		create(ctx, hereClient, newMigration(namespace, "m1"))
		create(ctx, hereClient, newMigration(namespace, "m2"))
		Expect(run(ctx, "m1", "no", "m2")).To(Equal(result{
			out:  lines("Migration m1 deleted successfully", "Migration m2 deleted successfully"),
			err:  lines(`Error from server (NotFound): migrations.stork.libopenstorage.org "no" not found`),
			code: 1,
		}))
		Expect(storkctl(ctx, "get", "migrations", "-n", namespace)).To(Equal(succeeds("No resources found.\n")))
	})

	It("deletes those of a pair, in every spelling, or of an admin pair", func(ctx SpecContext) {
		for _, flag := range []string{"-c", "--clusterPair", "--clusterpair", "--cluster-pair"} {
			create(ctx, hereClient, newMigration(namespace, "m1"))
			Expect(run(ctx, flag, "pair1")).To(Equal(succeeds("Migration m1 deleted successfully\n")), flag)
		}
		m, other := newMigration(namespace, "m1"), newMigration(namespace, "m2")
		m.Spec.AdminClusterPair = "admin"
		create(ctx, hereClient, m)
		create(ctx, hereClient, other)
		Expect(run(ctx, "--admin-cluster-pair", "admin")).To(Equal(succeeds("Migration m1 deleted successfully\n")))
		Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(other), other)).To(Succeed())
		Expect(run(ctx, "-c", "pair9")).To(Equal(succeeds("No resources found.\n")))
	})
})
