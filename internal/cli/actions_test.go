package cli

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// newAction returns an Action of a MigrationSchedule named ms, in a stage.
func newAction(namespace, name string, kind storkv1alpha1.ActionType, stage, status string) *storkv1alpha1.Action {
	a := &storkv1alpha1.Action{Spec: storkv1alpha1.ActionSpec{ActionType: kind}}
	a.Name, a.Namespace = name, namespace
	if kind == storkv1alpha1.ActionTypeFailback {
		a.Spec.ActionParameter.FailbackParameter.MigrationScheduleReference = "ms"
	} else {
		a.Spec.ActionParameter.FailoverParameter.MigrationScheduleReference = "ms"
	}
	a.Status.Stage, a.Status.Status = storkv1alpha1.ActionStageType(stage), storkv1alpha1.ActionStatusType(status)
	return a
}

// became returns the summary of namespaces with these states.
func became(states ...storkv1alpha1.ActionStatusType) (entries []*storkv1alpha1.NamespaceActionSummary) {
	for i, status := range states {
		entries = append(entries, &storkv1alpha1.NamespaceActionSummary{Namespace: "ns" + string(rune('1'+i)), Status: status})
	}
	return entries
}

// warned are the conditions of an Action that has warnings and owes fencing.
func warned(warnings ...string) []metav1.Condition {
	return []metav1.Condition{
		{Type: storkv1alpha1.ConditionWarned, Status: metav1.ConditionTrue, Reason: "X", Message: strings.Join(warnings, "\n"), LastTransitionTime: metav1.Now()},
		{Type: storkv1alpha1.ConditionSourceFenced, Status: metav1.ConditionFalse, Reason: "X", Message: "fence it", LastTransitionTime: metav1.Now()},
	}
}

var _ = Describe("get failover and get failback", func() {
	const (
		failoverType = storkv1alpha1.ActionTypeFailover
		failbackType = storkv1alpha1.ActionTypeFailback
		successful   = storkv1alpha1.ActionStatusSuccessful
		failed       = storkv1alpha1.ActionStatusFailed
		restored     = storkv1alpha1.ActionStatusRollbackSuccessful
		unrestored   = storkv1alpha1.ActionStatusRollbackFailed
		scheduled    = storkv1alpha1.ActionStatusScheduled
	)
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
	get := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"get"}, append(args, "-n", namespace)...)...)
	}

	It("say when there is none of the type, or none of that name", func(ctx SpecContext) {
		create(ctx, hereClient, newAction(namespace, "back", failbackType, "", ""))
		Expect(get(ctx, "failover")).To(Equal(succeeds("No resources found.\n")))
		Expect(get(ctx, "failover", "no")).To(Equal(fails(`Error from server (NotFound): actions.stork.libopenstorage.org "no" not found`)))
	})

	It("say what an Action of the other type is", func(ctx SpecContext) {
		back := newAction(namespace, "back", failbackType, "", "")
		create(ctx, hereClient, back)
		wrong := fails("error: " + namespace + "/back is no failover but a failback: see `storkctl get failback back -n " + namespace + "`")
		Expect(get(ctx, "failover", "back")).To(Equal(wrong))
		Expect(get(ctx, "failover", "back", "--watch")).To(Equal(wrong))
		Expect(get(ctx, "failback", "back").code).To(BeZero())
		create(ctx, hereClient, newAction(namespace, "over", failoverType, "", ""))
		both := get(ctx, "failover", "over", "back")
		Expect(both.out).To(ContainSubstring("over "))
		Expect(both.out).NotTo(ContainSubstring("back "))
		Expect(both.code).To(Equal(1))
	})

	It("print the table that Stork documents, each its own type", func(ctx SpecContext) {
		over := newAction(namespace, "failover-ms-2024-01-01-000000", failoverType, "Final", "Successful")
		over.Status.Summary = &storkv1alpha1.ActionSummary{FailoverSummary: became(successful, successful)}
		over.Status.Reason = "all applications run"
		back := newAction(namespace, "failback-ms-2024-01-01-000000", failbackType, "", "Scheduled")
		create(ctx, hereClient, over)
		create(ctx, hereClient, back)
		Expect(get(ctx, "failover")).To(Equal(succeeds(lines(
			"NAME                            CREATED               STAGE       STATUS       MORE INFO",
			"failover-ms-2024-01-01-000000   "+created(over)+"   Completed   Successful   Scaled up Apps in : 2/2 namespaces ; all applications run"))))
		row := "failback-ms-2024-01-01-000000   " + created(back) + "   Validations   Scheduled   "
		Expect(get(ctx, "failback", back.Name)).To(Equal(succeeds(lines(
			"NAME                            CREATED               STAGE         STATUS      MORE INFO", row))))
		Expect(get(ctx, "failback", "-o", "json").out).To(And(ContainSubstring(`"kind": "Action"`), Not(ContainSubstring("failover-ms"))))
		all := storkctl(ctx, "get", "failover", "-A")
		Expect(all.out).To(And(HavePrefix("NAMESPACE "), MatchRegexp(namespace+" +failover-ms-2024-01-01-000000 +"+created(over)+" +Completed ")))
	})

	It("print each change with --watch", func(ctx SpecContext) {
		a := newAction(namespace, "a", failoverType, "", "Scheduled")
		create(ctx, hereClient, a)
		b := start(ctx, nil, "get", "failover", "-n", namespace, "--watch")
		Eventually(b.out.String).Should(HaveSuffix("Validations   Scheduled   \n"))
		a.Status.Stage, a.Status.Status = storkv1alpha1.ActionStageScaleDownSource, storkv1alpha1.ActionStatusInProgress
		Expect(hereClient.Status().Update(ctx, a)).To(Succeed())
		Eventually(b.out.String).Should(MatchRegexp(`Validations   Scheduled   \na +.* +Scale Down \(on source\) +In-Progress +\n$`))
	})

	DescribeTable("name stages as Stork does and say how far it came",
		func(ctx SpecContext, kind storkv1alpha1.ActionType, stage, status string, states []storkv1alpha1.ActionStatusType, label, info string) {
			a := newAction(namespace, "a", kind, stage, status)
			a.Status.Reason = "the reason"
			a.Status.Summary = &storkv1alpha1.ActionSummary{FailoverSummary: became(states...)}
			if kind == failbackType {
				a.Status.Summary = &storkv1alpha1.ActionSummary{FailbackSummary: became(states...)}
			}
			create(ctx, hereClient, a)
			Expect(get(ctx, string(kind)).out).To(HaveSuffix(created(a) + "   " + label + "   " + status + "   " + info + "\n"))
		},
		Entry(nil, failoverType, "", "Failed", nil, "Validations", "the reason"),
		Entry(nil, failoverType, "ScaleDownSource", "In-Progress", []storkv1alpha1.ActionStatusType{scheduled}, "Scale Down (on source)", "the reason"),
		Entry(nil, failoverType, "WaitAfterScaleDown", "In-Progress", nil, "Waiting for Apps to Scale Down (on source)", "the reason"),
		Entry(nil, failoverType, "LastMileMigration", "In-Progress", nil, "Last Mile Migration (from source -> destination)", "the reason"),
		Entry(nil, failoverType, "ScaleUpDestination", "In-Progress", []storkv1alpha1.ActionStatusType{successful, scheduled}, "Scale Up (on destination)", "Scaled up Apps in : 1/2 namespaces ; the reason"),
		Entry(nil, failoverType, "ScaleUpSource", "In-Progress", []storkv1alpha1.ActionStatusType{scheduled}, "Rolling Back Scale Down (on source)", "Rolled back Apps in : 0/1 namespaces ; the reason"),
		Entry(nil, failoverType, "Final", "Failed", []storkv1alpha1.ActionStatusType{restored, unrestored}, "Completed", "Rolled back Apps in : 1/2 namespaces ; the reason"),
		Entry(nil, failoverType, "Final", "Failed", []storkv1alpha1.ActionStatusType{successful, failed}, "Completed", "Scaled up Apps in : 1/2 namespaces ; the reason"),
		Entry(nil, failoverType, "Final", "Failed", nil, "Completed", "the reason"),
		Entry(nil, failbackType, "ScaleDownDestination", "In-Progress", nil, "Scale Down (on destination)", "the reason"),
		Entry(nil, failbackType, "WaitAfterScaleDown", "In-Progress", nil, "Waiting for Apps to Scale Down (on destination)", "the reason"),
		Entry(nil, failbackType, "LastMileMigration", "In-Progress", nil, "Last Mile Migration (from destination -> source)", "the reason"),
		Entry(nil, failbackType, "ScaleUpSource", "In-Progress", []storkv1alpha1.ActionStatusType{scheduled}, "Scale Up (on source)", "Scaled up Apps in : 0/1 namespaces ; the reason"),
		Entry(nil, failbackType, "ScaleUpDestination", "In-Progress", []storkv1alpha1.ActionStatusType{restored}, "Rolling Back Scale Down (on destination)", "Rolled back Apps in : 1/1 namespaces ; the reason"),
		Entry(nil, failbackType, "Final", "Successful", []storkv1alpha1.ActionStatusType{successful}, "Completed", "Scaled up Apps in : 1/1 namespaces ; the reason"),
	)

	It("print the warnings of an Action", func(ctx SpecContext) {
		a := newAction(namespace, "a", failoverType, "Final", "Successful")
		a.Status.Summary = &storkv1alpha1.ActionSummary{FailoverSummary: became(successful)}
		a.Status.Conditions = warned("stop a", "stop b")
		create(ctx, hereClient, a)
		Expect(get(ctx, "failover").out).To(HaveSuffix("Scaled up Apps in : 1/1 namespaces ; warning: stop a ; warning: stop b ; warning: fence it\n"))
	})
})
