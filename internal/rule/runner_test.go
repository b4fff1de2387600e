package rule

import (
	"context"
	"errors"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("Run of foreground commands", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	run := func(ctx context.Context, rule *storkv1alpha1.Rule) error {
		background, err := newTestRunner(fastOptions()).Run(ctx, rule, []string{namespace}, Pre, nil)
		Expect(background).To(BeNil())
		return err
	}

	It("does rules and actions in order", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		rule := newRule(namespace, foreground("echo 1 >>log"), foreground("echo 2 >>log"))
		rule.Rules = append(rule.Rules, newRule(namespace, foreground(`printf '%s\n' "it's 3" >>log`)).Rules...)
		Expect(run(ctx, rule)).To(Succeed())
		Expect(read(namespace, "a", "main", "log")).To(Equal("1\n2\nit's 3\n"))
	})

	It("runs in all selected pods of all namespaces that run and are not being deleted", func(ctx SpecContext) {
		other := newNamespace(ctx)
		newPod(ctx, namespace, "runs")
		newPod(ctx, other, "runs-too")
		newPod(ctx, namespace, "pending", func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending })
		newPod(ctx, namespace, "completed", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
		newPod(ctx, namespace, "unselected", func(p *corev1.Pod) { p.Labels = map[string]string{"app": "web"} })
		newPod(ctx, namespace, "deleted", func(p *corev1.Pod) { p.Finalizers = []string{"example.com/stay"} })
		Expect(client.CoreV1().Pods(namespace).Delete(ctx, "deleted", metav1.DeleteOptions{})).To(Succeed())
		newPod(ctx, newNamespace(ctx), "elsewhere")

		_, err := newTestRunner(fastOptions()).Run(ctx, newRule(namespace, foreground("hostname >log")), []string{namespace, other}, Post, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(containers(append(node.executions(namespace), node.executions(other)...))).
			To(ConsistOf(namespace+"/runs/main", other+"/runs-too/main"))
	})

	It("runs in all pods when there is no selector", func(ctx SpecContext) {
		newPod(ctx, namespace, "a", func(p *corev1.Pod) { p.Labels = nil })
		rule := newRule(namespace, foreground("echo 1 >>log"))
		rule.Rules[0].PodSelector = nil
		Expect(run(ctx, rule)).To(Succeed())
		Expect(read(namespace, "a", "main", "log")).To(Equal("1\n"))
	})

	It("runs in the first pod by name of each namespace when told to use a single one", func(ctx SpecContext) {
		other := newNamespace(ctx)
		for _, name := range []string{"c", "a", "b"} {
			newPod(ctx, namespace, name)
			newPod(ctx, other, name)
		}
		action := foreground("echo 1 >>log")
		action.RunInSinglePod = true
		_, err := newTestRunner(fastOptions()).Run(ctx, newRule(namespace, action), []string{namespace, other}, Pre, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(containers(node.executions(namespace))).To(HaveExactElements(namespace + "/a/main"))
		Expect(containers(node.executions(other))).To(HaveExactElements(other + "/a/main"))
	})

	It("runs in the named container, which may be a sidecar", func(ctx SpecContext) {
		newPod(ctx, namespace, "a", func(p *corev1.Pod) {
			always := corev1.ContainerRestartPolicyAlways
			p.Spec.InitContainers = []corev1.Container{{Name: "sidecar", Image: "i", RestartPolicy: &always}}
		})
		rule := newRule(namespace, foreground("echo 1 >>log"))
		rule.Rules[0].Container = "sidecar"
		Expect(run(ctx, rule)).To(Succeed())
		Expect(read(namespace, "a", "sidecar", "log")).To(Equal("1\n"))
	})

	It("names the containers when a pod does not have the one of the rule", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		rule := newRule(namespace, foreground("true"))
		rule.Rules[0].Container = "db"
		Expect(run(ctx, rule)).To(MatchError("rule " + namespace + "/rule, rules[0]: pod " + namespace + `/a has no container "db": it has main, bash`))
		Expect(node.executions(namespace)).To(BeEmpty())
	})

	It("succeeds when there is no such pod", func(ctx SpecContext) {
		Expect(run(ctx, newRule(namespace, foreground("false"), inBackground("${WAIT_CMD}")))).To(Succeed())
	})

	It("runs nothing of a rule that is not valid", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		Expect(run(ctx, newRule(namespace, foreground("true"), storkv1alpha1.RuleAction{Type: "reboot", Value: "now"}))).
			To(MatchError(ContainSubstring("unsupported action type: reboot in rule: [" + namespace + "] rule")))
		Expect(node.executions(namespace)).To(BeEmpty())
	})

	It("tries a command again that failed", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		Expect(run(ctx, newRule(namespace, foreground("echo x >>log; [ $(wc -l <log) = 3 ]")))).To(Succeed())
		Expect(node.executions(namespace)).To(HaveLen(3))
	})

	It("gives up after the attempts and tells pod, container, exit code and the end of stderr", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		err := run(ctx, newRule(namespace, foreground("true"), foreground("seq 1 1000 >&2; echo secret; echo too bad >&2; exit 7")))
		Expect(err).To(MatchError(HavePrefix("rule " + namespace + "/rule, rules[0].actions[1]: command in container main of pod " +
			namespace + "/a, 3 attempts: it ended with exit code 7: ")))
		Expect(err).To(MatchError(HaveSuffix("\n1000\ntoo bad")))
		Expect(err).NotTo(MatchError(ContainSubstring("secret")))
		Expect(len(err.Error())).To(BeNumerically("<", 1300))
		Expect(node.executions(namespace)).To(HaveLen(1 + 3))
	})

	It("does not run the next action after a failure, but the failed one in all pods", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		newPod(ctx, namespace, "b")
		Expect(run(ctx, newRule(namespace, foreground("echo 1 >>log; [ $HOSTNAME = b ]"), foreground("echo 2 >>log")))).To(HaveOccurred())
		Expect(read(namespace, "a", "main", "log")).To(Equal("1\n1\n1\n"))
		Expect(read(namespace, "b", "main", "log")).To(Equal("1\n"))
	})

	It("names only some of many pods that fail", func(ctx SpecContext) {
		for name := range strings.SplitSeq("abcdefgh", "") {
			newPod(ctx, namespace, name)
		}
		err := run(ctx, newRule(namespace, foreground("exit 1")))
		Expect(strings.Count(err.Error(), "exit code 1")).To(Equal(5))
		Expect(err).To(MatchError(HaveSuffix("and 3 more")))
	})

	It("does not take a broken connection for success", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		options := fastOptions()
		options.Attempts = 1
		failed := make(chan error)
		go func() {
			_, err := newTestRunner(options).Run(ctx, newRule(namespace, foreground("echo 1 >log; exec sleep 3")), []string{namespace}, Pre, nil)
			failed <- err
		}()
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("1\n"))
		node.cut()
		Eventually(failed).Should(Receive(MatchError(ContainSubstring("command in container main of pod " + namespace + "/a, 1 attempts: "))))
	})

	It("does not try again in a pod that is gone", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		options := fastOptions()
		options.RetryInterval = time.Hour
		failed := make(chan error)
		go func() {
			defer GinkgoRecover()
			_, err := newTestRunner(options).Run(ctx,
				newRule(namespace, foreground("echo 1 >log; while [ ! -e go ]; do sleep 0.1; done; exit 1")), []string{namespace}, Pre, nil)
			failed <- err
		}()
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("1\n"))
		Expect(client.CoreV1().Pods(namespace).Delete(ctx, "a", metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})).To(Succeed())
		touch(namespace, "a", "main", "go")
		Eventually(failed).Should(Receive(MatchError(ContainSubstring("the pod does not run any more"))))
	})

	It("ends with its context, also between two attempts", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		options := fastOptions()
		options.RetryInterval = time.Hour
		reason := errors.New("shutting down")
		runCtx, cancel := context.WithCancelCause(ctx)
		failed := make(chan error)
		go func() {
			_, err := newTestRunner(options).Run(runCtx, newRule(namespace, foreground("echo 1 >log; exit 1")), []string{namespace}, Pre, nil)
			failed <- err
		}()
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("1\n"))
		cancel(reason)
		Eventually(failed).Should(Receive(MatchError(reason)))
	})

	It("gives a command that takes too long no second attempt", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		options := fastOptions()
		options.Limit = time.Second
		_, err := newTestRunner(options).Run(ctx, newRule(namespace, foreground("echo going to sleep >&2; exec sleep 3")), []string{namespace}, Pre, nil)
		Expect(err).To(MatchError(ContainSubstring("it took too long; it may still run in the container: going to sleep")))
		Expect(node.executions(namespace)).To(HaveLen(1))
	})

	It("falls back to SPDY where WebSockets do not get through", func(ctx SpecContext) {
		newPod(ctx, namespace, "a")
		refused := 0
		config, stop, err := withoutWebSocket(cluster.Config(), func() { refused++ })
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(stop)
		runner := newRunnerFor(config, fastOptions())
		background, err := runner.Run(ctx, newRule(namespace, foreground("echo 1 >>log"), inBackground("${WAIT_CMD}; echo 2 >>log")),
			[]string{namespace}, Pre, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(refused).To(Equal(2))
		Expect(background.Stop(ctx)).To(Succeed())
		Expect(read(namespace, "a", "main", "log")).To(Equal("1\n2\n"))
	})
})
