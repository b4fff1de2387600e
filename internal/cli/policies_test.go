package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// everyMinute is a policy that triggers each minute.
func everyMinute() storkv1alpha1.SchedulePolicyItem {
	return storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 1}}
}

func newPolicy(name string) *storkv1alpha1.SchedulePolicy {
	policy := &storkv1alpha1.SchedulePolicy{Policy: everyMinute()}
	policy.Name = name
	return policy
}

func newNamespacedPolicy(namespace, name string) *storkv1alpha1.NamespacedSchedulePolicy {
	policy := &storkv1alpha1.NamespacedSchedulePolicy{Policy: everyMinute()}
	policy.Namespace, policy.Name = namespace, name
	return policy
}

func TestPolicyCells(t *testing.T) {
	weekly := func(p storkv1alpha1.WeeklyPolicy) storkv1alpha1.SchedulePolicyItem {
		return storkv1alpha1.SchedulePolicyItem{Weekly: &p}
	}
	monthly := func(p storkv1alpha1.MonthlyPolicy) storkv1alpha1.SchedulePolicyItem {
		return storkv1alpha1.SchedulePolicyItem{Monthly: &p}
	}
	for name, test := range map[string]struct {
		policy storkv1alpha1.SchedulePolicyItem
		want   string
	}{
		"all documented sections": {storkv1alpha1.SchedulePolicyItem{
			Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 1},
			Daily:    &storkv1alpha1.DailyPolicy{Time: "10:14PM"},
			Weekly:   &storkv1alpha1.WeeklyPolicy{Day: "Thursday", Time: "10:13PM"},
			Monthly:  &storkv1alpha1.MonthlyPolicy{Date: 14, Time: "8:05PM"},
		}, "1|10:14PM|Thursday@10:13PM|14@8:05PM"},
		"no section":         {storkv1alpha1.SchedulePolicyItem{}, "N/A|N/A|N/A|N/A"},
		"no interval":        {storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{}}, "Invalid|N/A|N/A|N/A"},
		"no time":            {storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "25:00"}}, "N/A|Invalid|N/A|N/A"},
		"no weekday":         {weekly(storkv1alpha1.WeeklyPolicy{Day: "someday", Time: "8:05PM"}), "N/A|N/A|Invalid|N/A"},
		"a fortnight":        {weekly(storkv1alpha1.WeeklyPolicy{Day: "sun", Time: "8:05pm", Biweekly: true}), "N/A|N/A|sun@8:05pm (biweekly)|N/A"},
		"no date":            {monthly(storkv1alpha1.MonthlyPolicy{Date: 32, Time: "8:05PM"}), "N/A|N/A|N/A|Invalid"},
		"the second Tuesday": {monthly(storkv1alpha1.MonthlyPolicy{RelativeMonthlyPolicy: &storkv1alpha1.RelativeMonthlyPolicy{Day: "Tuesday", WeeklyIndex: 2, Time: "8:05PM"}}), "N/A|N/A|N/A|Tuesday#2@8:05PM"},
		"the last Tuesday":   {monthly(storkv1alpha1.MonthlyPolicy{RelativeMonthlyPolicy: &storkv1alpha1.RelativeMonthlyPolicy{Day: "Tuesday", WeeklyIndex: 5, Time: "8:05PM"}}), "N/A|N/A|N/A|Tuesday#last@8:05PM"},
		"some months": {monthly(storkv1alpha1.MonthlyPolicy{Date: 1, Time: "9:00PM",
			SelectiveMonthlyPolicy: &storkv1alpha1.SelectiveMonthlyPolicy{Months: "jan,apr", Date: 14, Time: "8:05PM"}}), "N/A|N/A|N/A|14@8:05PM (jan,apr)"},
		"each month": {monthly(storkv1alpha1.MonthlyPolicy{
			SelectiveMonthlyPolicy: &storkv1alpha1.SelectiveMonthlyPolicy{Date: 14, Time: "8:05PM"}}), "N/A|N/A|N/A|14@8:05PM"},
	} {
		t.Run(name, func(t *testing.T) {
			row := clusterPolicies().rows(&storkv1alpha1.SchedulePolicy{Policy: test.policy})[0]
			cells := []string{}
			for _, cell := range row[1:] {
				cells = append(cells, cell.(string))
			}
			if diff := cmp.Diff(test.want, strings.Join(cells, "|")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var _ = Describe("get schedulepolicy", func() {
	It("prints policies of the cluster, by any name of the command", func(ctx SpecContext) {
		policy := newPolicy("testpolicy-" + newNamespace(ctx, hereClient, nil))
		create(ctx, hereClient, policy)
		width := strings.Repeat(" ", len(policy.Name)-len("NAME"))
		want := succeeds(lines("NAME"+width+"   INTERVAL-MINUTES   DAILY   WEEKLY   MONTHLY", policy.Name+"   1                  N/A     N/A      N/A"))
		for _, use := range []string{"schedulepolicy", "schedulepolicies", "sp"} {
			Expect(storkctl(ctx, "get", use, policy.Name)).To(Equal(want))
		}
		Expect(storkctl(ctx, "get", "sp", policy.Name, "-A")).To(Equal(want))
		Expect(storkctl(ctx, "get", "sp", "no")).To(Equal(fails(`Error from server (NotFound): schedulepolicies.stork.libopenstorage.org "no" not found`)))
	})

	It("prints policies of a namespace", func(ctx SpecContext) {
		namespace := newNamespace(ctx, hereClient, nil)
		Expect(storkctl(ctx, "get", "nsp", "-n", namespace)).To(Equal(succeeds("No resources found.\n")))
		create(ctx, hereClient, newNamespacedPolicy(namespace, "p1"))
		for _, use := range []string{"namespacedschedulepolicy", "namespacedschedulepolicies", "nsp"} {
			Expect(storkctl(ctx, "get", use, "-n", namespace)).To(Equal(succeeds(lines(
				"NAME   INTERVAL-MINUTES   DAILY   WEEKLY   MONTHLY", "p1     1                  N/A     N/A      N/A"))))
		}
		Expect(storkctl(ctx, "get", "nsp", "-A").out).To(MatchRegexp(namespace + " +p1 +1 "))
	})
})

var _ = Describe("create schedulepolicy", func() {
	DescribeTable("refuses", func(ctx SpecContext, want string, args ...string) {
		for _, use := range []string{"schedulepolicy", "namespacedschedulepolicy"} {
			Expect(storkctl(ctx, append([]string{"create", use}, args...)...)).To(Equal(fails("error: " + want)))
		}
	},
		Entry("no name", "exactly one name needs to be provided for schedule policy name"),
		Entry("two names", "exactly one name needs to be provided for schedule policy name", "p1", "p2"),
		Entry("an unknown type", "need to provide a valid schedule policy type. Valid schedule types are Interval, Daily, Weekly and Monthly", "p1", "-t", "Yearly"),
		Entry("a negative retain", "need to provide a valid value for retain. It should be a positive integer", "p1", "--retain", "-1"),
		Entry("flags that Interval does not use", "for an Interval SchedulePolicy you can only provide values for --interval-minutes and --retain flags", "p1", "--time", "1:00AM"),
		Entry("flags that Daily does not use", "for a Daily SchedulePolicy you can only provide values for --time, --retain and --force-full-snapshot-day flags", "p1", "-t", "daily", "-i", "1"),
		Entry("flags that Weekly does not use", "for a Weekly SchedulePolicy you can only provide values for --time, --day-of-week and --retain flags", "p1", "-t", "weekly", "--date-of-month", "1"),
		Entry("flags that Monthly does not use", "for a Monthly SchedulePolicy you can only provide values for --time, --date-of-month and --retain flags", "p1", "-t", "monthly", "--day-of-week", "sun"),
		Entry("no minutes", "Invalid intervalMinutes (0) in Interval policy: write a whole number of minutes from 1", "p1", "-i", "0"),
		Entry("no time of day", "Invalid time (noon) in Daily policy: write hour, minute, and AM or PM without a blank, such as 3:04PM", "p1", "-t", "Daily", "--time", "noon"),
		Entry("no day for full snapshots", "invalid day of the week (Someday) in policy.daily.forceFullSnapshotDay: write one day of the week, such as Sunday or sun", "p1", "-t", "Daily", "--force-full-snapshot-day", "Someday"),
		Entry("no day of the week", "Invalid day of the week (someday) in Weekly policy: write one day of the week, such as Sunday or sun", "p1", "-t", "Weekly", "--day-of-week", "Someday"),
		Entry("no date", "Invalid date of the month (32) in Monthly policy: write 1 to 31", "p1", "-t", "Monthly", "--date-of-month", "32"),
	)

	DescribeTable("stores", func(ctx SpecContext, want storkv1alpha1.SchedulePolicyItem, args ...string) {
		namespace := newNamespace(ctx, hereClient, nil)
		name := "p-" + namespace
		Expect(storkctl(ctx, append([]string{"create", "schedulepolicy", name}, args...)...)).To(Equal(succeeds("Schedule policy " + name + " created successfully\n")))
		policy := &storkv1alpha1.SchedulePolicy{}
		Expect(hereClient.Get(ctx, client.ObjectKey{Name: name}, policy)).To(Succeed())
		Expect(policy.Policy).To(Equal(want))
		Expect(storkctl(ctx, append([]string{"create", "nsp", name, "-n", namespace}, args...)...)).To(Equal(succeeds("Schedule policy " + name + " created successfully\n")))
		own := &storkv1alpha1.NamespacedSchedulePolicy{}
		Expect(hereClient.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, own)).To(Succeed())
		Expect(own.Policy).To(Equal(want))
	},
		Entry("half an hour by default", storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 30}}),
		Entry("an interval", storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 5, Retain: 3}}, "-i", "5", "--retain", "3"),
		Entry("a time of day", storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "12:00AM", ForceFullSnapshotDay: "monday"}}, "-t", "DAILY"),
		Entry("a day of the week", storkv1alpha1.SchedulePolicyItem{Weekly: &storkv1alpha1.WeeklyPolicy{Day: "thurs", Time: "3:04pm"}}, "-t", "weekly", "--day-of-week", "THURS", "--time", "3:04pm"),
		Entry("a day of the month", storkv1alpha1.SchedulePolicyItem{Monthly: &storkv1alpha1.MonthlyPolicy{Date: 31, Time: "12:00AM"}}, "-t", "Monthly", "--date-of-month", "31"),
	)

	It("refuses a name that is taken, in the server's words", func(ctx SpecContext) {
		policy := newPolicy("p-" + newNamespace(ctx, hereClient, nil))
		create(ctx, hereClient, policy)
		Expect(storkctl(ctx, "create", "sp", policy.Name)).To(Equal(fails(
			`Error from server (AlreadyExists): schedulepolicies.stork.libopenstorage.org "` + policy.Name + `" already exists`)))
	})
})

var _ = Describe("delete schedulepolicy", func() {
	var one, two, name string
	BeforeEach(func(ctx SpecContext) {
		one, two = newNamespace(ctx, hereClient, nil), newNamespace(ctx, hereClient, nil)
		name = "p-" + one
		create(ctx, hereClient, newPolicy(name))
	})
	use := func(ctx context.Context, namespace string) {
		GinkgoHelper()
		s := newSchedule(namespace, "ms1", "pair1")
		s.Spec.SchedulePolicyName = name
		create(ctx, hereClient, s)
	}

	It("needs a name", func(ctx SpecContext) {
		for _, use := range []string{"sp", "nsp"} {
			Expect(storkctl(ctx, "delete", use)).To(Equal(fails("error: at least one argument needs to be provided for schedule policy name")))
		}
	})

	It("deletes every one that is named, also after one that is missing", func(ctx SpecContext) {
		Expect(storkctl(ctx, "delete", "sp", "no", name)).To(Equal(result{
			out: "Schedule policy " + name + " deleted successfully\n", code: 1,
			err: "Error from server (NotFound): schedulepolicies.stork.libopenstorage.org \"no\" not found\n",
		}))
		Expect(storkctl(ctx, "get", "sp", name).code).To(Equal(1))
	})

	It("refuses to delete what schedules run by, and names them", func(ctx SpecContext) {
		use(ctx, one)
		use(ctx, two)
		Expect(hereClient.Create(ctx, fromYAML(one, "{apiVersion: stork.libopenstorage.org/v1alpha1, kind: ApplicationBackupSchedule, metadata: {name: b1}, spec: {schedulePolicyName: "+name+"}}"))).To(Succeed())
		users := []string{one + "/ms1", two + "/ms1"}
		if two < one {
			users = []string{users[1], users[0]}
		}
		Expect(storkctl(ctx, "delete", "schedulepolicy", name)).To(Equal(fails("error: cannot delete the schedule policy " + name + ".\n" +
			"The resource is linked to -> Migration Schedules : " + users[0] + " , " + users[1] + "\nApplication Backup Schedules : " + one + "/b1")))
		Expect(storkctl(ctx, "get", "sp", name).code).To(BeZero())
	})

	It("knows which of two policies of one name a schedule runs by", func(ctx SpecContext) {
		use(ctx, one)
		create(ctx, hereClient, newNamespacedPolicy(one, name))
		create(ctx, hereClient, newNamespacedPolicy(two, name))
		Expect(storkctl(ctx, "delete", "nsp", name, "-n", one)).To(Equal(fails("error: cannot delete the schedule policy " + name + ".\n" +
			"The resource is linked to -> Migration Schedules : " + one + "/ms1")))
		Expect(storkctl(ctx, "delete", "nsp", name, "-n", two)).To(Equal(succeeds("Schedule policy " + name + " deleted successfully\n")))
		Expect(storkctl(ctx, "delete", "sp", name)).To(Equal(succeeds("Schedule policy " + name + " deleted successfully\n")))
	})

	It("deletes once the last user is gone", func(ctx SpecContext) {
		use(ctx, one)
		Expect(storkctl(ctx, "delete", "sp", name).code).To(Equal(1))
		other := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"schedulePolicyName":"other"}}`))
		Expect(hereClient.Patch(ctx, newSchedule(one, "ms1", "pair1"), other)).To(Succeed())
		Expect(storkctl(ctx, "delete", "sp", name)).To(Equal(succeeds("Schedule policy " + name + " deleted successfully\n")))
	})
})
