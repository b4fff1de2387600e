package rule

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// touch makes a file where a command runs.
func touch(namespace, pod, container, file string) {
	GinkgoHelper()
	Expect(os.WriteFile(filepath.Join(node.dir(namespace+"/"+pod, container), file), nil, 0o600)).To(Succeed())
}

// folders returns the folders in which the two ends of the commands of a task meet.
func folders(taskID string) []string {
	found, err := filepath.Glob(folderPrefix(taskID) + "*")
	Expect(err).NotTo(HaveOccurred())
	return found
}

// alive tells whether the process runs whose id a command wrote into the file "pid".
func alive(namespace, pod, container string) bool {
	GinkgoHelper()
	pid, err := strconv.Atoi(strings.TrimSpace(read(namespace, pod, container, "pid")))
	Expect(err).NotTo(HaveOccurred())
	return syscall.Kill(pid, 0) == nil
}

var _ = Describe("Run of background commands", func() {
	var (
		namespace string
		options   Options
		tracker   Tracker
	)

	BeforeEach(func(ctx SpecContext) {
		namespace, options, tracker = newNamespace(ctx), fastOptions(), Tracker{}
		newPod(ctx, namespace, "a")
	})

	AfterEach(func() {
		if tracker.TaskID != "" {
			Eventually(folders).WithArguments(tracker.TaskID).Should(BeEmpty())
		}
	})

	run := func(ctx context.Context, rule *storkv1alpha1.Rule) (Background, error) {
		return newTestRunner(options).Run(ctx, rule, []string{namespace}, Pre, func(_ context.Context, t Tracker) error {
			tracker = t
			return nil
		})
	}

	for _, shell := range []string{"main", "bash"} {
		It("waits where the command says ${WAIT_CMD}, until it is stopped, in container "+shell, func(ctx SpecContext) {
			newPod(ctx, namespace, "b")
			// As the client of a database would: the wait stands in quotes, in a statement that it hands to a shell.
			command := `statement='flush;system ${WAIT_CMD};'
				echo locked >>log
				sh -c "$(echo "$statement" | sed 's/.*system \(.*\);/\1/')"
				echo unlocked >>log`
			rule := newRule(namespace, inBackground(command))
			rule.Rules[0].Container = shell
			frozen, err := run(ctx, rule)
			Expect(err).NotTo(HaveOccurred())
			for _, pod := range []string{"a", "b"} {
				Expect(read(namespace, pod, shell, "log")).To(Equal("locked\n"))
			}
			Expect(folders(tracker.TaskID)).To(HaveLen(2))
			Consistently(folders).WithArguments(tracker.TaskID).WithTimeout(time.Second).Should(HaveLen(2))

			Expect(frozen.Stop(ctx)).To(Succeed())
			for _, pod := range []string{"a", "b"} {
				Expect(read(namespace, pod, shell, "log")).To(Equal("locked\nunlocked\n"))
			}
			Expect(folders(tracker.TaskID)).To(BeEmpty())
			Expect(frozen.Stop(ctx)).To(Succeed(), "a second time")
		})
	}

	It("keeps track before it starts, of every container", func(ctx SpecContext) {
		var stored []Tracker
		rule := newRule(namespace, inBackground("echo 1 >>log; ${WAIT_CMD}"))
		rule.Rules = append(rule.Rules, newRule(namespace, inBackground("${WAIT_CMD}")).Rules...)
		rule.Rules[1].Container = "bash"
		frozen, err := newTestRunner(options).Run(ctx, rule, []string{namespace}, Pre, func(_ context.Context, t Tracker) error {
			Expect(node.executions(namespace)).To(HaveLen(len(stored)))
			stored = append(stored, t)
			return nil
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(frozen.Stop(ctx)).To(Succeed())
		Expect(stored).To(HaveLen(2))
		Expect(stored[1].TaskID).To(Equal(stored[0].TaskID))
		Expect(stored[1].Pods).To(HaveExactElements(
			And(HaveField("Namespace", namespace), HaveField("Container", "main")), HaveField("Container", "bash")))
	})

	It("starts nothing that it cannot keep track of", func(ctx SpecContext) {
		_, err := newTestRunner(options).Run(ctx, newRule(namespace, inBackground("${WAIT_CMD}")), []string{namespace}, Pre,
			func(context.Context, Tracker) error { return errors.New("conflict") })
		Expect(err).To(MatchError(ContainSubstring("storing where background commands run: conflict")))
		Expect(node.executions(namespace)).To(BeEmpty())
	})

	It("stops what waits when a later action fails", func(ctx SpecContext) {
		_, err := run(ctx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log"), foreground("exit 3")))
		Expect(err).To(MatchError(ContainSubstring("rules[0].actions[1]: command in container main of pod " + namespace + "/a, 3 attempts: it ended with exit code 3")))
		Expect(read(namespace, "a", "main", "log")).To(Equal("unlocked\n"))
	})

	It("stops what waits when the command cannot be started in another pod", func(ctx SpecContext) {
		newPod(ctx, namespace, "b")
		_, err := run(ctx, newRule(namespace, inBackground("[ $HOSTNAME = a ] && ${WAIT_CMD} && echo unlocked >>log")))
		Expect(err).To(MatchError(ContainSubstring("command in container main of pod " + namespace + "/b, 3 attempts: it ended with exit code 1")))
		Expect(read(namespace, "a", "main", "log")).To(Equal("unlocked\n"))
	})

	It("fails when the command ends without waiting", func(ctx SpecContext) {
		_, err := run(ctx, newRule(namespace, inBackground("echo hm >&2; true || ${WAIT_CMD}")))
		Expect(err).To(MatchError(HaveSuffix("3 attempts: it ended without reaching ${WAIT_CMD}: hm")))
	})

	It("tells why the command could not start", func(ctx SpecContext) {
		_, err := run(ctx, newRule(namespace, inBackground("no-such-command && ${WAIT_CMD}")))
		Expect(err).To(MatchError(And(ContainSubstring("exit code 127"), ContainSubstring("no-such-command: "))))
	})

	It("kills a command that does not get to wait in time", func(ctx SpecContext) {
		options.ReadyTimeout = time.Second
		_, err := run(ctx, newRule(namespace, inBackground("echo $$ >pid; echo waiting for a lock >&2; exec sleep 1000; ${WAIT_CMD}")))
		Expect(err).To(MatchError(ContainSubstring("it did not reach ${WAIT_CMD} in time: waiting for a lock")))
		Expect(node.executions(namespace)).To(HaveLen(1), "no second attempt")
		Expect(alive(namespace, "a", "main")).To(BeFalse())
	})

	It("tells of a command that had ended before it was stopped", func(ctx SpecContext) {
		frozen, err := run(ctx, newRule(namespace, inBackground(`${WAIT_CMD} & while [ ! -e go ]; do sleep 0.1; done; exit 4`)))
		Expect(err).NotTo(HaveOccurred())
		touch(namespace, "a", "main", "go")
		Eventually(folders).WithArguments(tracker.TaskID).Should(BeEmpty())
		command := frozen.(*background).commands[0]
		Eventually(command.done).Should(BeClosed())
		Expect(frozen.Stop(ctx)).To(MatchError("background command in container main of pod " + namespace +
			"/a: it ended before it was told to: it ended with exit code 4"))
	})

	It("tells of a command that fails after the wait", func(ctx SpecContext) {
		frozen, err := run(ctx, newRule(namespace, inBackground("${WAIT_CMD}; echo cannot unlock >&2; exit 5")))
		Expect(err).NotTo(HaveOccurred())
		Expect(frozen.Stop(ctx)).To(MatchError(HaveSuffix("it ended with exit code 5: cannot unlock")))
	})

	It("kills a command that does not end after the wait", func(ctx SpecContext) {
		options.Grace = time.Second
		frozen, err := run(ctx, newRule(namespace, inBackground("echo $$ >pid; ${WAIT_CMD}; exec sleep 1000")))
		Expect(err).NotTo(HaveOccurred())
		Expect(frozen.Stop(ctx)).To(MatchError(ContainSubstring("the command did not end by itself and was killed")))
		Expect(alive(namespace, "a", "main")).To(BeFalse())
	})

	It("ends the wait after the limit", func(ctx SpecContext) {
		options.Limit = time.Second
		frozen, err := run(ctx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log")))
		Expect(err).NotTo(HaveOccurred())
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("unlocked\n"))
		Eventually(frozen.(*background).commands[0].done).Should(BeClosed())
		Expect(frozen.Stop(ctx)).To(MatchError(ContainSubstring("it ended before it was told to")))
	})

	It("ends the wait when the connection breaks, and tells so", func(ctx SpecContext) {
		frozen, err := run(ctx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log")))
		Expect(err).NotTo(HaveOccurred())
		node.cut()
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("unlocked\n"))
		Eventually(frozen.(*background).commands[0].done).Should(BeClosed())
		Expect(frozen.Stop(ctx)).To(MatchError(ContainSubstring("it ended before it was told to")))
	})

	It("ends the wait with its context", func(ctx SpecContext) {
		runCtx, cancel := context.WithCancel(ctx)
		frozen, err := run(runCtx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log")))
		Expect(err).NotTo(HaveOccurred())
		cancel()
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("unlocked\n"))
		Expect(frozen.Stop(ctx)).NotTo(Succeed())
	})

	It("ends the wait when the script in the container is killed", func(ctx SpecContext) {
		_, err := run(ctx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log")))
		Expect(err).NotTo(HaveOccurred())
		Expect(syscall.Kill(node.executions(namespace)[0].pid, syscall.SIGKILL)).To(Succeed())
		Eventually(read).WithArguments(namespace, "a", "main", "log").Should(Equal("unlocked\n"))
	})

	Describe("after a crash of the operator", func() {
		var lost context.CancelFunc

		BeforeEach(func(ctx SpecContext) {
			// The hard case: the container does not notice that the operator is gone.
			node.heldStdin.Store(true)
			DeferCleanup(func() { node.heldStdin.Store(false) })
			var runCtx context.Context
			runCtx, lost = context.WithCancel(ctx)
			_, err := run(runCtx, newRule(namespace, inBackground("${WAIT_CMD}; echo unlocked >>log"), inBackground("${WAIT_CMD}; echo unlocked >>log")))
			Expect(err).NotTo(HaveOccurred())
			lost()
			Expect(read(namespace, "a", "main", "log")).To(BeEmpty())
		})

		It("is ended by Recover", func(ctx SpecContext) {
			content, err := tracker.Marshal()
			Expect(err).NotTo(HaveOccurred())
			stored, err := ParseTracker(content)
			Expect(err).NotTo(HaveOccurred())
			Expect(newTestRunner(options).Recover(ctx, stored, []string{namespace})).To(Succeed())
			Expect(read(namespace, "a", "main", "log")).To(Equal("unlocked\nunlocked\n"))
			Expect(node.executions(namespace)).To(HaveLen(3), "one more for both commands")
		})

		It("is not ended in namespaces that the owner may not touch", func(ctx SpecContext) {
			Expect(newTestRunner(options).Recover(ctx, tracker, []string{"other"})).To(MatchError(ContainSubstring(`names a pod in namespace "` + namespace)))
			Expect(node.executions(namespace)).To(HaveLen(2))
			Expect(newTestRunner(options).Recover(ctx, tracker, []string{namespace})).To(Succeed())
		})

		It("passes over pods and containers that are gone", func(ctx SpecContext) {
			gone := tracker
			gone.Pods = []TrackedPod{{UID: "gone", Namespace: namespace}, {UID: tracker.Pods[0].UID, Namespace: namespace, Container: "gone"}}
			Expect(newTestRunner(options).Recover(ctx, gone, []string{namespace})).To(Succeed())
			Expect(node.executions(namespace)).To(HaveLen(2))
			Expect(newTestRunner(options).Recover(ctx, tracker, []string{namespace})).To(Succeed())
		})
	})

	It("has nothing to recover from where Stork's own commands ran", func(ctx SpecContext) {
		pod := newPod(ctx, namespace, "b")
		stored, err := ParseTracker(`{"taskID":"0f3c","pods":[{"uid":"` + string(pod.UID) + `","namespace":"` + namespace + `"}],"container":"bash"}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(newTestRunner(options).Recover(ctx, stored, []string{namespace})).To(Succeed())
		Expect(containers(node.executions(namespace))).To(HaveExactElements(namespace + "/b/bash"))
	})
})
