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

const scheduleHeader = "NAME   POLICYNAME   CLUSTERPAIR   SUSPEND   LAST-SUCCESS-TIME   LAST-SUCCESS-DURATION"

// newSchedule returns a MigrationSchedule of its own namespace to a ClusterPair.
func newSchedule(namespace, name, pair string) *storkv1alpha1.MigrationSchedule {
	s := &storkv1alpha1.MigrationSchedule{}
	s.Name, s.Namespace = name, namespace
	s.Spec.SchedulePolicyName = "testpolicy"
	s.Spec.Template.Spec = storkv1alpha1.MigrationSpec{ClusterPair: pair, Namespaces: []string{namespace}}
	return s
}

// newCopy returns what a source keeps at its destination.
func newCopy(namespace, name, pair string) *storkv1alpha1.MigrationSchedule {
	s := newSchedule(namespace, name, pair)
	s.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
	s.Spec.Suspend = new(true)
	return s
}

// ran is an item of a schedule's status.
func ran(status storkv1alpha1.MigrationStatusType, finished time.Time, took time.Duration) *storkv1alpha1.ScheduledMigrationStatus {
	return &storkv1alpha1.ScheduledMigrationStatus{
		Name: "any", Status: status, CreationTimestamp: new(metav1.NewTime(finished.Add(-took))), FinishTimestamp: new(metav1.NewTime(finished)),
	}
}

var _ = Describe("get migrationschedules", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
	get := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"get", "migrationschedules", "-n", namespace}, args...)...)
	}

	It("says when there is none, or none of that name", func(ctx SpecContext) {
		Expect(get(ctx)).To(Equal(succeeds("No resources found.\n")))
		Expect(get(ctx, "ms1")).To(Equal(fails(`Error from server (NotFound): migrationschedules.stork.libopenstorage.org "ms1" not found`)))
	})

	It("prints one that never ran, by either name of the command", func(ctx SpecContext) {
		create(ctx, hereClient, newSchedule(namespace, "ms1", "pair1"))
		want := succeeds(lines(scheduleHeader, "ms1    testpolicy   pair1         false                         "))
		Expect(get(ctx)).To(Equal(want))
		Expect(storkctl(ctx, "get", "migrationschedule", "ms1", "-n", namespace)).To(Equal(want))
	})

	It("prints all that are named, those to a pair, those of all namespaces, and names what is missing", func(ctx SpecContext) {
		create(ctx, hereClient, newSchedule(namespace, "ms1", "pair1"))
		create(ctx, hereClient, newSchedule(namespace, "ms2", "pair2"))
		row1, row2 := "ms1    testpolicy   pair1         false                         ", "ms2    testpolicy   pair2         false                         "
		Expect(get(ctx, "ms2", "ms1")).To(Equal(succeeds(lines(scheduleHeader, row2, row1))))
		for _, flag := range []string{"-c", "--clusterpair", "--clusterPair", "--cluster-pair"} {
			Expect(get(ctx, flag, "pair2")).To(Equal(succeeds(lines(scheduleHeader, row2))))
		}
		Expect(get(ctx, "ms1", "ms3")).To(Equal(result{
			out: lines(scheduleHeader, row1), err: "Error from server (NotFound): migrationschedules.stork.libopenstorage.org \"ms3\" not found\n", code: 1,
		}))
		Expect(storkctl(ctx, "get", "migrationschedules", "-A").out).To(And(HavePrefix("NAMESPACE "), MatchRegexp(namespace+" +ms1 +testpolicy +pair1 ")))
	})

	It("prints the newest run of any section that succeeded in everything", func(ctx SpecContext) {
		s := newSchedule(namespace, "ms1", "pair1")
		s.Spec.Suspend = new(true)
		at := time.Date(2024, time.October, 24, 10, 5, 0, 0, time.UTC)
		s.Status.Items = map[storkv1alpha1.SchedulePolicyType][]*storkv1alpha1.ScheduledMigrationStatus{
			storkv1alpha1.SchedulePolicyTypeInterval: {ran("Successful", at.Add(-time.Hour), time.Minute)},
			storkv1alpha1.SchedulePolicyTypeDaily:    {ran("Successful", at, 5*time.Minute), ran("PartialSuccess", at.Add(time.Hour), time.Minute)},
			storkv1alpha1.SchedulePolicyTypeMonthly:  {ran("Failed", at.Add(2*time.Hour), time.Minute)},
		}
		create(ctx, hereClient, s)
		header := "NAME   POLICYNAME   CLUSTERPAIR   SUSPEND   LAST-SUCCESS-TIME     LAST-SUCCESS-DURATION"
		Expect(get(ctx)).To(Equal(succeeds(lines(header, "ms1    testpolicy   pair1         true      24 Oct 24 10:05 UTC   5m0s"))))
		// What succeeded later and is no item any more.
		s.Status.LastSuccessTime, s.Status.LastSuccessDuration = new(metav1.NewTime(at.Add(3*time.Hour))), "2m0s"
		Expect(hereClient.Status().Update(ctx, s)).To(Succeed())
		Expect(get(ctx)).To(Equal(succeeds(lines(header, "ms1    testpolicy   pair1         true      24 Oct 24 13:05 UTC   2m0s"))))
	})

	It("goes on to print what changes with --watch", func(ctx SpecContext) {
		create(ctx, hereClient, newSchedule(namespace, "ms1", "pair1"))
		b := start(ctx, clocktesting.NewFakeClock(now), "get", "migrationschedules", "-n", namespace, "-w")
		Eventually(b.out.String).Should(HaveSuffix("pair1         false                         \n"))
		Expect(storkctl(ctx, "suspend", "migrationschedules", "ms1", "-n", namespace).code).To(BeZero())
		Eventually(b.out.String).Should(HaveSuffix("pair1         true                          \n"))
	})
})

var _ = Describe("delete, suspend and resume migrationschedules", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
		for name, pair := range map[string]string{"ms1": "pair1", "ms2": "pair2", "ms3": "pair2"} {
			create(ctx, hereClient, newSchedule(namespace, name, pair))
		}
	})
	suspended := func(ctx context.Context) []string {
		GinkgoHelper()
		list := &storkv1alpha1.MigrationScheduleList{}
		Expect(hereClient.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		names := []string{}
		for _, s := range list.Items {
			if *s.Spec.Suspend {
				names = append(names, s.Name)
			}
		}
		return names
	}

	DescribeTable("refuses", func(ctx SpecContext, want string, args ...string) {
		for _, verb := range []string{"delete", "suspend", "resume"} {
			Expect(storkctl(ctx, append([]string{verb, "migrationschedules", "-n", namespace}, args...)...)).To(Equal(fails(want)))
		}
	},
		Entry("to act on nothing", "error: at least one argument needs to be provided for migration schedule name if cluster pair isn't provided"),
		Entry("names along with a pair", "error: provide either names or a ClusterPair, which stands for everything that migrates to it", "ms1", "-c", "pair1"),
		Entry("a name that nothing has", `Error from server (NotFound): migrationschedules.stork.libopenstorage.org "no" not found`, "no"),
	)

	It("acts on every name, also after one that is missing", func(ctx SpecContext) {
		missing := "Error from server (NotFound): migrationschedules.stork.libopenstorage.org \"no\" not found\n"
		for _, verb := range []struct {
			name, done string
			left       []string
		}{{"suspend", "suspended", []string{"ms1", "ms2"}}, {"resume", "resumed", []string{}}, {"delete", "deleted", []string{}}} {
			Expect(storkctl(ctx, verb.name, "migrationschedules", "ms1", "no", "ms2", "-n", namespace)).To(Equal(result{
				out: lines("MigrationSchedule ms1 "+verb.done+" successfully", "MigrationSchedule ms2 "+verb.done+" successfully"), err: missing, code: 1,
			}))
			Expect(suspended(ctx)).To(Equal(verb.left))
		}
		Expect(storkctl(ctx, "get", "migrationschedules", "-n", namespace, "-c", "pair1").out).To(Equal("No resources found.\n"))
	})

	It("acts on all those to a pair, but for copies when it suspends and resumes", func(ctx SpecContext) {
		create(ctx, hereClient, newCopy(namespace, "ms4", "pair2"))
		Expect(storkctl(ctx, "suspend", "migrationschedule", "-n", namespace, "-c", "pair2")).To(Equal(succeeds(lines(
			"MigrationSchedule ms2 suspended successfully", "MigrationSchedule ms3 suspended successfully"))))
		Expect(storkctl(ctx, "resume", "migrationschedule", "-n", namespace, "--cluster-pair", "pair2")).To(Equal(succeeds(lines(
			"MigrationSchedule ms2 resumed successfully", "MigrationSchedule ms3 resumed successfully"))))
		Expect(suspended(ctx)).To(Equal([]string{"ms4"}))
		Expect(storkctl(ctx, "delete", "migrationschedule", "-n", namespace, "--clusterpair", "pair2")).To(Equal(succeeds(lines(
			"MigrationSchedule ms2 deleted successfully", "MigrationSchedule ms3 deleted successfully", "MigrationSchedule ms4 deleted successfully"))))
		Expect(storkctl(ctx, "delete", "migrationschedule", "-n", namespace, "-c", "pair2")).To(Equal(succeeds("No resources found.\n")))
	})

	It("acts on those to a pair of the admin namespace", func(ctx SpecContext) {
		s := newSchedule(namespace, "ms4", "")
		s.Spec.Template.Spec.AdminClusterPair = "admin"
		create(ctx, hereClient, s)
		Expect(storkctl(ctx, "suspend", "migrationschedules", "-n", namespace, "--admin-cluster-pair", "admin")).To(Equal(succeeds(
			"MigrationSchedule ms4 suspended successfully\n")))
	})

	It("refuses to suspend or resume a copy, which starts nothing anyway", func(ctx SpecContext) {
		create(ctx, hereClient, newCopy(namespace, "copy", "pair2"))
		for _, verb := range []string{"suspend", "resume"} {
			Expect(storkctl(ctx, verb, "migrationschedules", "copy", "-n", namespace)).To(Equal(fails("error: MigrationSchedule " + namespace +
				"/copy is the copy of a schedule in another cluster and starts nothing here: run the command in that cluster")))
		}
		Expect(suspended(ctx)).To(Equal([]string{"copy"}))
	})
})
