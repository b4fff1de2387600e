package cli

import (
	"bytes"
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// newReference returns a suspended MigrationSchedule named ms; a static copy if it says so.
func newReference(namespace string, copied bool, spec storkv1alpha1.MigrationSpec) *storkv1alpha1.MigrationSchedule {
	s := &storkv1alpha1.MigrationSchedule{Spec: storkv1alpha1.MigrationScheduleSpec{Suspend: new(true)}}
	s.Name, s.Namespace, s.Spec.Template.Spec = "ms", namespace, spec
	if copied {
		s.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
	}
	return s
}

// ran is the status of a schedule whose second Migration was the last.
func lastRan(last storkv1alpha1.MigrationStatusType) storkv1alpha1.MigrationScheduleStatus {
	item := func(name string, at time.Time, status storkv1alpha1.MigrationStatusType) *storkv1alpha1.ScheduledMigrationStatus {
		return &storkv1alpha1.ScheduledMigrationStatus{Name: name, CreationTimestamp: new(metav1.NewTime(at)), Status: status}
	}
	return storkv1alpha1.MigrationScheduleStatus{Items: map[storkv1alpha1.SchedulePolicyType][]*storkv1alpha1.ScheduledMigrationStatus{
		storkv1alpha1.SchedulePolicyTypeDaily:    {item("ms-daily", now.Add(-time.Hour), last)},
		storkv1alpha1.SchedulePolicyTypeInterval: {item("ms-interval", now.Add(-2*time.Hour), storkv1alpha1.MigrationStatusPartialSuccess)},
	}}
}

var _ = Describe("perform failover and perform failback", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
		ensureNamespace(ctx, thereClient, namespace)
	})
	perform := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"perform"}, append(args, "-n", namespace)...)...)
	}
	// answer performs with somebody at the terminal.
	answer := func(ctx context.Context, text string, args ...string) result {
		out, errOut := &buffer{}, &buffer{}
		cmd := NewCommand(Options{
			IOStreams: genericiooptions.IOStreams{In: strings.NewReader(text), Out: out, ErrOut: errOut},
			Clock:     clocktesting.NewFakeClock(now), Location: time.UTC, Interactive: true,
		})
		cmd.SetArgs(append([]string{"--kubeconfig", here.KubeconfigFile(), "perform"}, append(args, "-n", namespace)...))
		code := Execute(ctx, cmd)
		return result{out: out.String(), err: errOut.String(), code: code}
	}
	// pair creates a ClusterPair to the other cluster.
	pair := func(ctx context.Context) {
		GinkgoHelper()
		s := &corev1.Secret{Data: map[string][]byte{kubeconfigKey: there.Kubeconfig()}}
		s.Namespace, s.Name = namespace, "pair1-kubeconfig"
		Expect(hereClient.Create(ctx, s)).To(Succeed())
		p := newClusterPair("pair1", namespace, nil, nil)
		p.Spec.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: s.Name}
		Expect(hereClient.Create(ctx, p)).To(Succeed())
	}
	// schedules creates a schedule of three namespaces at the source, its copy here, and the pair between them.
	schedules := func(ctx context.Context, last storkv1alpha1.MigrationStatusType) {
		GinkgoHelper()
		spec := storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns3", "ns1", "ns2"}}
		original := newReference(namespace, false, spec)
		original.Status = lastRan(last)
		create(ctx, thereClient, original)
		create(ctx, hereClient, newReference(namespace, true, spec))
		pair(ctx)
	}
	actions := func(ctx context.Context) []storkv1alpha1.Action {
		GinkgoHelper()
		list := &storkv1alpha1.ActionList{}
		Expect(hereClient.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		return list.Items
	}
	only := func(ctx context.Context) storkv1alpha1.Action {
		GinkgoHelper()
		all := actions(ctx)
		Expect(all).To(HaveLen(1))
		return all[0]
	}
	const success, partial = storkv1alpha1.MigrationStatusSuccessful, storkv1alpha1.MigrationStatusPartialSuccess
	started := func(kind string) string {
		name := kind + "-ms-2024-10-24-100000"
		return lines("Started "+kind+" for MigrationSchedule "+namespace+"/ms",
			"To check "+kind+" status use the command : `storkctl get "+kind+" "+name+" -n "+namespace+"`")
	}

	It("say what is missing or wrong, and create nothing", func(ctx SpecContext) {
		Expect(perform(ctx, "failover")).To(Equal(fails("error: reference MigrationSchedule name needs to be provided for failover")))
		Expect(perform(ctx, "failback")).To(Equal(fails("error: reference MigrationSchedule name needs to be provided for failback")))
		Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(fails("error: unable to find the reference MigrationSchedule ms in the " + namespace + " namespace")))
		s := newReference(namespace, false, storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns1"}})
		create(ctx, hereClient, s)
		Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(fails("error: ensure that `storkctl perform failover` is run in the cluster you want to failover to")))
		Expect(perform(ctx, "failback", "-m", "ms")).To(Equal(fails("error: unable to find the ClusterPair pair1 in the " + namespace + " namespace")))
		s.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
		Expect(hereClient.Update(ctx, s)).To(Succeed())
		Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(fails("error: unable to find the ClusterPair pair1 in the " + namespace + " namespace")))
		Expect(perform(ctx, "failback", "-m", "ms")).To(Equal(fails("error: MigrationSchedule " + namespace + "/ms is the copy of a schedule in another cluster: " +
			"name the one that migrates back, and ensure that `storkctl perform failback` is run in the cluster you want to failback from")))
		Expect(perform(ctx, "failback", "-m", "ms", "--skip-source-operations").err).To(HavePrefix("error: unknown flag: --skip-source-operations"))
		Expect(perform(ctx, "failover", "ms").err).To(HavePrefix(`error: unknown command "ms"`))
		Expect(actions(ctx)).To(BeEmpty())
	})

	DescribeTable("refuse filters that contradict each other or mean nothing",
		func(ctx SpecContext, message string, flags ...string) {
			schedules(ctx, success)
			Expect(perform(ctx, append([]string{"failover", "-m", "ms"}, flags...)...)).To(Equal(fails("error: " + message)))
			Expect(actions(ctx)).To(BeEmpty())
		},
		Entry(nil, "can provide only one of --include-namespaces or --exclude-namespaces values at once", "--include-namespaces", "ns1", "--exclude-namespaces", "ns2"),
		Entry(nil, "can provide only one of --selectors or --exclude-selectors values at once", "--selectors", "a=b", "--exclude-selectors", "c=d"),
		Entry(nil, "can provide only one of --include-objects or --exclude-objects values at once", "--include-objects", "Pod/ns1/p", "--exclude-objects", "Pod/ns1/p"),
		Entry(nil, "--include-objects and --exclude-objects cannot go with --selectors, --exclude-selectors or --resource-types: choose objects by name or by what they have in common",
			"--include-objects", "Pod/ns1/p", "--resource-types", "Pod"),
		Entry(nil, "provided namespaces [no1 no2] are not a subset of the namespaces being migrated by the given MigrationSchedule", "--include-namespaces", "no1,ns1,no2"),
		Entry(nil, "provided namespaces [no] are not a subset of the namespaces being migrated by the given MigrationSchedule", "--exclude-namespaces", "no"),
		Entry(nil, `invalid --resource-types value "apps/Deployment": write KIND or GROUP/VERSION/KIND, such as Deployment or apps/v1/Deployment`, "--resource-types", "apps/Deployment"),
		Entry(nil, `invalid --include-objects value "ns1/web": write KIND/NAMESPACE/NAME or GROUP/VERSION/KIND/NAMESPACE/NAME, such as Deployment/shop/web or apps/v1/Deployment/shop/web`,
			"--include-objects", "ns1/web"),
		Entry(nil, `invalid --exclude-objects value "apps/v1/Deployment/ns1/": write KIND/NAMESPACE/NAME or GROUP/VERSION/KIND/NAMESPACE/NAME, such as Deployment/shop/web or apps/v1/Deployment/shop/web`,
			"--exclude-objects", "apps/v1/Deployment/ns1/"),
		Entry(nil, "object Deployment/ns2/web is in none of the namespaces to act on, which are [ns1]", "--include-objects", "Deployment/ns2/web", "--include-namespaces", "ns1"),
	)

	It("refuse to act on no namespace", func(ctx SpecContext) {
		schedules(ctx, success)
		Expect(perform(ctx, "failover", "-m", "ms", "--exclude-namespaces", "ns1,ns2,ns3").err).To(HavePrefix(
			"error: no namespace is left to act on: MigrationSchedule " + namespace + "/ms migrates [ns1 ns2 ns3]"))
	})

	It("start a failover of all namespaces", func(ctx SpecContext) {
		schedules(ctx, success)
		Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(succeeds(started("failover"))))
		a := only(ctx)
		Expect(a.Name).To(Equal("failover-ms-2024-10-24-100000"))
		Expect(a.Spec).To(Equal(storkv1alpha1.ActionSpec{
			ActionType: storkv1alpha1.ActionTypeFailover,
			ActionParameter: storkv1alpha1.ActionParameter{FailoverParameter: storkv1alpha1.FailoverParameter{
				MigrationScheduleReference: "ms", FailoverNamespaces: []string{"ns1", "ns2", "ns3"}, SkipSourceOperations: new(false),
			}},
		}))
	})

	It("hand on each flag of a failover", func(ctx SpecContext) {
		schedules(ctx, success)
		Expect(perform(ctx, "failover", "-m", "ms", "--force", "--skip-source-operations", "--skip-source-cluster-domain-deactivation", "--skip-last-mile-migration",
			"--exclude-namespaces", "ns2", "--exclude-selectors", "a=b,c=d", "--resource-types", "StatefulSet,apps/v1/Deployment", "--resource-types", "/v1/Pod").code).To(BeZero())
		Expect(only(ctx).Spec.ActionParameter).To(Equal(storkv1alpha1.ActionParameter{FailoverParameter: storkv1alpha1.FailoverParameter{
			MigrationScheduleReference: "ms", FailoverNamespaces: []string{"ns1", "ns3"}, SkipSourceOperations: new(true), SkipSourceClusterDomainDeactivation: new(true),
			ActionFilter: storkv1alpha1.ActionFilter{
				ExcludeSelectors: map[string]string{"a": "b", "c": "d"}, Types: []string{"StatefulSet", "Deployment.apps", "Pod.core"}, SkipLastMileMigration: new(true),
			},
		}}))
	})

	It("hand on each flag of a failback", func(ctx SpecContext) {
		s := newReference(namespace, false, storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns1", "ns2"}})
		s.Status = lastRan(success)
		create(ctx, hereClient, s)
		pair(ctx)
		Expect(perform(ctx, "failback", "-m", "ms", "--include-namespaces", "ns2", "--skip-last-mile-migration",
			"--include-objects", "Deployment/ns2/web,apps/v1/StatefulSet/ns2/db", "--include-objects", "/v1/Pod/ns2/p")).To(Equal(succeeds(started("failback"))))
		Expect(only(ctx).Spec).To(Equal(storkv1alpha1.ActionSpec{
			ActionType: storkv1alpha1.ActionTypeFailback,
			ActionParameter: storkv1alpha1.ActionParameter{FailbackParameter: storkv1alpha1.FailbackParameter{
				MigrationScheduleReference: "ms", FailbackNamespaces: []string{"ns2"},
				ActionFilter: storkv1alpha1.ActionFilter{SkipLastMileMigration: new(true), IncludeObjects: []storkv1alpha1.ObjectInfo{
					{Kind: "Deployment", Namespace: "ns2", Name: "web"},
					{Group: "apps", Version: "v1", Kind: "StatefulSet", Namespace: "ns2", Name: "db"},
					{Group: "core", Version: "v1", Kind: "Pod", Namespace: "ns2", Name: "p"},
				}},
			}},
		}))
	})

	It("count namespaces that the schedule chooses by labels, and name none where the other cluster knows better", func(ctx SpecContext) {
		label := map[string]string{"chosen": namespace}
		chosen := newNamespace(ctx, hereClient, label)
		s := newReference(namespace, false, storkv1alpha1.MigrationSpec{ClusterPair: "pair1", NamespaceSelectors: label})
		create(ctx, hereClient, s)
		pair(ctx)
		Expect(perform(ctx, "failback", "-m", "ms").code).To(BeZero())
		Expect(only(ctx).Spec.ActionParameter.FailbackParameter.FailbackNamespaces).To(BeEmpty())
		Expect(perform(ctx, "failback", "-m", "ms", "--include-namespaces", "ns1").err).To(ContainSubstring("provided namespaces [ns1] are not a subset"))
		Expect(hereClient.DeleteAllOf(ctx, &storkv1alpha1.Action{}, client.InNamespace(namespace))).To(Succeed())
		Expect(perform(ctx, "failback", "-m", "ms", "--include-namespaces", chosen).code).To(BeZero())
		Expect(only(ctx).Spec.ActionParameter.FailbackParameter.FailbackNamespaces).To(Equal([]string{chosen}))
	})

	It("cut the schedule's name off where the Action's would be too long", func() {
		o := &performAction{globals: &globals{Options: Options{Clock: clocktesting.NewFakeClock(now)}}, direction: failback(), reference: strings.Repeat("a", 225) + "-." + strings.Repeat("b", 26)}
		Expect(o.actionName()).To(Equal("failback-" + strings.Repeat("a", 225) + "-2024-10-24-100000"))
		o.reference = strings.Repeat("a", 253)
		Expect(o.actionName()).To(HaveLen(253))
	})

	Describe("confirmation", func() {
		partly := func(where string) string {
			return "warning: the last Migration ms-daily of MigrationSchedule " + namespace + "/ms did not bring everything (PartialSuccess); see `storkctl get migrations ms-daily -n " +
				namespace + " --report`" + where + "\n"
		}
		const unasked = "error: the failover has to be confirmed, and there is no terminal to ask on: run the command again with --force if it is to go on all the same\n"

		It("is asked for where the last Migration at the source did not bring everything", func(ctx SpecContext) {
			schedules(ctx, partial)
			doubt := partly(" in the source cluster")
			Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(result{err: doubt + unasked, code: 1}))
			for _, no := range []string{"n\n", "\n", "", "yesterday\n"} {
				Expect(answer(ctx, no, "failover", "-m", "ms")).To(Equal(result{
					err: doubt + "Go on with the failover? [y/N] error: failover not confirmed: nothing was done\n", code: 1,
				}))
			}
			Expect(actions(ctx)).To(BeEmpty())
			Expect(answer(ctx, "Yes\n", "failover", "-m", "ms")).To(Equal(result{out: started("failover"), err: doubt + "Go on with the failover? [y/N] "}))
			Expect(hereClient.DeleteAllOf(ctx, &storkv1alpha1.Action{}, client.InNamespace(namespace))).To(Succeed())
			Expect(perform(ctx, "failover", "-m", "ms", "--force")).To(Equal(result{out: started("failover"), err: doubt}))
		})

		It("is asked for where the last Migration at the source failed, all the more where none follows", func(ctx SpecContext) {
			schedules(ctx, storkv1alpha1.MigrationStatusFailed)
			doubt := func(what string) string {
				return "warning: the last Migration ms-daily of MigrationSchedule " + namespace + "/ms failed" + what +
					"; see `storkctl get migrations ms-daily -n " + namespace + " --report` in the source cluster\n"
			}
			Expect(perform(ctx, "failover", "-m", "ms")).To(Equal(result{err: doubt("") + unasked, code: 1}))
			Expect(perform(ctx, "failover", "-m", "ms", "--skip-last-mile-migration")).To(Equal(result{
				err: doubt(", and --skip-last-mile-migration makes no other one") + unasked, code: 1,
			}))
			Expect(actions(ctx)).To(BeEmpty())
			Expect(perform(ctx, "failover", "-m", "ms", "--force").out).To(Equal(started("failover")))
		})

		It("is asked for where the last Migration back did not bring everything", func(ctx SpecContext) {
			s := newReference(namespace, false, storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns1"}})
			s.Status = lastRan(partial)
			create(ctx, hereClient, s)
			pair(ctx)
			Expect(answer(ctx, "n\n", "failback", "-m", "ms")).To(Equal(result{
				err: partly("") + "Go on with the failback? [y/N] error: failback not confirmed: nothing was done\n", code: 1,
			}))
		})

		It("is asked for without operations at the source, and says what fencing is owed", func(ctx SpecContext) {
			create(ctx, hereClient, newReference(namespace, true, storkv1alpha1.MigrationSpec{ClusterPair: "gone", Namespaces: []string{"ns1"}}))
			owed := lines("warning: nothing will be done at the source. Until it is fenced, both clusters may run the applications and their data part ways. It is for you to",
				"  - make sure that what MigrationSchedule "+namespace+"/ms migrates does not run at the source, and cannot come back by itself",
				"  - suspend the schedule there before its operator runs again: storkctl suspend migrationschedules ms -n "+namespace)
			Expect(perform(ctx, "failover", "-m", "ms", "--skip-source-operations")).To(Equal(result{err: owed + unasked, code: 1}))
			Expect(actions(ctx)).To(BeEmpty())
			Expect(answer(ctx, "y\n", "failover", "-m", "ms", "--skip-source-operations")).To(Equal(result{out: started("failover"), err: owed + "Go on with the failover? [y/N] "}))
		})

		It("leaves it to the operator to reach the source, and says what is not known", func(ctx SpecContext) {
			schedules(ctx, partial)
			Expect(hereClient.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pair1-kubeconfig"}})).To(Succeed())
			got := perform(ctx, "failover", "-m", "ms")
			Expect(got.out).To(Equal(started("failover")))
			Expect(got.err).To(HavePrefix("warning: it is not known whether the last Migration of MigrationSchedule " + namespace + "/ms brought everything: reading it at the source: ClusterPair " + namespace + "/pair1: "))
		})

		It("ends with an interrupt", func(ctx SpecContext) {
			schedules(ctx, partial)
			ctx2, cancel := context.WithCancel(ctx)
			in := &blocked{until: make(chan struct{}), reading: make(chan struct{})}
			DeferCleanup(func() { close(in.until) })
			errOut := &buffer{}
			cmd := NewCommand(Options{
				IOStreams: genericiooptions.IOStreams{In: in, Out: &buffer{}, ErrOut: errOut},
				Clock:     clocktesting.NewFakeClock(now), Location: time.UTC, Interactive: true,
			})
			cmd.SetArgs([]string{"--kubeconfig", here.KubeconfigFile(), "perform", "failover", "-m", "ms", "-n", namespace})
			code := make(chan int)
			go func() { code <- Execute(ctx2, cmd) }()
			Eventually(in.reading).Should(BeClosed())
			cancel()
			Eventually(code).Should(Receive(Equal(130)))
			Expect(actions(ctx)).To(BeEmpty())
		})
	})

	Describe("--wait", func() {
		const header = "STAGE                                             STATUS              \n"
		line := func(stage, status string) string {
			return stage + strings.Repeat(" ", 50-len(stage)) + status + strings.Repeat(" ", 20-len(status)) + "\n"
		}
		wait := func(ctx context.Context) *background {
			GinkgoHelper()
			schedules(ctx, success)
			b := start(ctx, clocktesting.NewFakeClock(now), "perform", "failover", "-m", "ms", "-n", namespace, "--wait")
			Eventually(b.out.String).Should(Equal(started("failover") + header))
			return b
		}
		set := func(ctx context.Context, change func(*storkv1alpha1.ActionStatus)) {
			GinkgoHelper()
			a := only(ctx)
			change(&a.Status)
			Expect(hereClient.Status().Update(ctx, &a)).To(Succeed())
		}
		reach := func(ctx context.Context, stage storkv1alpha1.ActionStageType, status storkv1alpha1.ActionStatusType) {
			GinkgoHelper()
			set(ctx, func(s *storkv1alpha1.ActionStatus) { s.Stage, s.Status = stage, status })
		}

		It("prints a line for each stage, says what hinders, and succeeds with the Action", func(ctx SpecContext) {
			b := wait(ctx)
			reach(ctx, "", storkv1alpha1.ActionStatusScheduled)
			Eventually(b.out.String).Should(HaveSuffix(line("Validations", "Scheduled")))
			reach(ctx, "", storkv1alpha1.ActionStatusInProgress)
			set(ctx, func(s *storkv1alpha1.ActionStatus) {
				s.Stage = storkv1alpha1.ActionStageWaitAfterScaleDown
				s.Conditions = []metav1.Condition{{
					Type: storkv1alpha1.ConditionSucceeded, Status: metav1.ConditionUnknown, Reason: "PodsRunning", Message: "waits for pod a/b", LastTransitionTime: metav1.Now(),
				}}
			})
			Eventually(b.err.String).Should(Equal("waiting: waits for pod a/b\n"))
			set(ctx, func(s *storkv1alpha1.ActionStatus) {
				s.Stage, s.Status, s.Reason = storkv1alpha1.ActionStageFinal, storkv1alpha1.ActionStatusSuccessful, "all is well"
				s.Summary = &storkv1alpha1.ActionSummary{FailoverSummary: became(storkv1alpha1.ActionStatusSuccessful)}
				s.Conditions = warned("stop a", "stop b")
			})
			Eventually(b.code).Should(Receive(BeZero()))
			Expect(b.out.String()).To(Equal(started("failover") + header + line("Validations", "Scheduled") +
				line("Waiting for Apps to Scale Down (on source)", "In-Progress") + line("Completed", "Successful") +
				"Failover failover-ms-2024-10-24-100000 completed successfully: Scaled up Apps in : 1/1 namespaces ; all is well\n"))
			Expect(b.err.String()).To(Equal("waiting: waits for pod a/b\nwarning: stop a\nwarning: stop b\nwarning: fence it\n"))
		})

		It("fails with the Action and says why", func(ctx SpecContext) {
			b := wait(ctx)
			set(ctx, func(s *storkv1alpha1.ActionStatus) {
				s.Stage, s.Status, s.Reason = storkv1alpha1.ActionStageFinal, storkv1alpha1.ActionStatusFailed, "the last Migration failed"
				s.Summary = &storkv1alpha1.ActionSummary{FailoverSummary: became(storkv1alpha1.ActionStatusRollbackSuccessful)}
			})
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.out.String()).To(HaveSuffix(line("Completed", "Failed") + "Failover failover-ms-2024-10-24-100000 failed\n"))
			Expect(b.err.String()).To(Equal("error: failover failover-ms-2024-10-24-100000 failed: Rolled back Apps in : 1/1 namespaces ; the last Migration failed; " +
				"see `kubectl describe actions failover-ms-2024-10-24-100000 -n " + namespace + "`\n"))
		})

		It("fails when the Action is deleted, and after six hours", func(ctx SpecContext) {
			b := wait(ctx)
			Expect(hereClient.DeleteAllOf(ctx, &storkv1alpha1.Action{}, client.InNamespace(namespace))).To(Succeed())
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.err.String()).To(Equal("error: action failover-ms-2024-10-24-100000 was deleted\n"))
			clock := clocktesting.NewFakeClock(now)
			b = start(ctx, clock, "perform", "failover", "-m", "ms", "-n", namespace, "--wait")
			Eventually(b.out.String).Should(HaveSuffix(header))
			Eventually(clock.HasWaiters).Should(BeTrue())
			clock.Step(6 * time.Hour)
			Eventually(b.code).Should(Receive(Equal(1)))
			Expect(b.err.String()).To(Equal("error: Timed out performing task\n"))
		})
	})

	It("complete the names of schedules that they take", func(ctx SpecContext) {
		spec := storkv1alpha1.MigrationSpec{ClusterPair: "pair1", Namespaces: []string{"ns1"}}
		create(ctx, hereClient, newReference(namespace, true, spec))
		own := newReference(namespace, false, spec)
		own.Name = "own"
		create(ctx, hereClient, own)
		for kind, name := range map[string]string{"failover": "ms", "failback": "own"} {
			Expect(storkctl(ctx, "__complete", "perform", kind, "-n", namespace, "-m", "").out).To(Equal(name + "\n:4\n"))
		}
		create(ctx, hereClient, newAction(namespace, "over", storkv1alpha1.ActionTypeFailover, "", ""))
		create(ctx, hereClient, newAction(namespace, "back", storkv1alpha1.ActionTypeFailback, "", ""))
		Expect(storkctl(ctx, "__complete", "get", "failback", "-n", namespace, "").out).To(Equal("back\n:4\n"))
		Expect(storkctl(ctx, "__complete", "perform", "failover", "--include-namespaces", "").out).To(ContainSubstring(namespace + "\n"))
	})
})

// blocked is a terminal at which nobody answers.
type blocked struct {
	bytes.Buffer
	until, reading chan struct{}
}

func (b *blocked) Read([]byte) (int, error) {
	close(b.reading)
	<-b.until
	return 0, context.Canceled
}
