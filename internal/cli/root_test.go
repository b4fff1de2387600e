package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("storkctl", func() {
	It("fails for a command that it does not know, also below a verb", func(ctx SpecContext) {
		Expect(storkctl(ctx, "got")).To(Equal(fails("error: unknown command \"got\" for \"storkctl\"\nSee 'storkctl --help' for usage")))
		Expect(storkctl(ctx, "get", "rules")).To(Equal(fails("error: unknown command \"rules\" for \"storkctl get\"\nSee 'storkctl get --help' for usage")))
		Expect(storkctl(ctx, "get", "migrations", "--no")).To(Equal(fails("error: unknown flag: --no\nSee 'storkctl get migrations --help' for usage")))
	})

	It("prints its help without a command, and below a verb", func(ctx SpecContext) {
		for _, args := range [][]string{{}, {"get"}, {"create"}} {
			got := storkctl(ctx, args...)
			Expect(got.code).To(BeZero())
			Expect(got.out).To(ContainSubstring("Available Commands:"))
		}
	})

	It("ignores the namespace of the kubeconfig's context", func(ctx SpecContext) {
		namespace := newNamespace(ctx, hereClient, nil)
		create(ctx, hereClient, newMigration(namespace, "m1"))
		config, err := clientcmd.Load(here.Kubeconfig())
		Expect(err).NotTo(HaveOccurred())
		config.Contexts[config.CurrentContext].Namespace = namespace
		content, err := clientcmd.Write(*config)
		Expect(err).NotTo(HaveOccurred())
		Expect(storkctl(ctx, "get", "migrations", "--kubeconfig", writeFile(content)).out).NotTo(ContainSubstring("m1"))
	})

	It("uses the context that is named", func(ctx SpecContext) {
		config, err := clientcmd.Load(here.Kubeconfig())
		Expect(err).NotTo(HaveOccurred())
		config.CurrentContext = "no-such"
		content, err := clientcmd.Write(*config)
		Expect(err).NotTo(HaveOccurred())
		file := writeFile(content)
		Expect(storkctl(ctx, "get", "clusterpair", "--kubeconfig", file).code).To(Equal(1))
		Expect(storkctl(ctx, "get", "clusterpair", "--kubeconfig", file, "--context", "here").code).To(BeZero())
	})

	It("tells who may not do something so", func(ctx SpecContext) {
		kubeconfig, err := here.UserKubeconfig("nobody")
		Expect(err).NotTo(HaveOccurred())
		Expect(storkctl(ctx, "get", "migrations", "--kubeconfig", writeFile(kubeconfig))).To(Equal(fails(
			`Error from server (Forbidden): migrations.stork.libopenstorage.org is forbidden: User "nobody" cannot list resource "migrations" in API group "stork.libopenstorage.org" in the namespace "default"`)))
	})

	Describe("version", func() {
		operator := func(ctx context.Context, labels map[string]string, images ...string) {
			GinkgoHelper()
			d := fromYAML(newNamespace(ctx, hereClient, nil), "{apiVersion: apps/v1, kind: Deployment, metadata: {name: operator}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {}}}}")
			d.SetLabels(labels)
			var containers []any
			for i, image := range images {
				containers = append(containers, map[string]any{"name": fmt.Sprint("c", i), "image": image})
			}
			d.Object["spec"].(map[string]any)["template"].(map[string]any)["spec"] = map[string]any{"containers": containers}
			Expect(hereClient.Create(ctx, d)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, d)).To(Succeed()) })
		}
		stork, godwit := map[string]string{"name": "stork"}, map[string]string{"app.kubernetes.io/name": "godwit"}

		It("prints its own, and the image of the only operator with one container", func(ctx SpecContext) {
			Expect(storkctl(ctx, "version")).To(Equal(succeeds("storkctl Version: v1.2.3\n")))
			operator(ctx, stork, "a:1", "b:1")
			Expect(storkctl(ctx, "version")).To(Equal(succeeds("storkctl Version: v1.2.3\n")))
			operator(ctx, godwit, "godwit:2")
			Expect(storkctl(ctx, "version")).To(Equal(succeeds("storkctl Version: v1.2.3\nstork Image: godwit:2\n")))
			operator(ctx, stork, "stork:3")
			Expect(storkctl(ctx, "version")).To(Equal(succeeds("storkctl Version: v1.2.3\n")))
		})

		It("needs no cluster", func(ctx SpecContext) {
			Expect(storkctl(ctx, "version", "--kubeconfig", "/no/such/file")).To(Equal(succeeds("storkctl Version: v1.2.3\n")))
		})
	})

	It("shows with each command how it is used, and completes what it takes", func() {
		var visit func(cmd *cobra.Command)
		visit = func(cmd *cobra.Command) {
			for _, child := range cmd.Commands() {
				visit(child)
			}
			if cmd.HasSubCommands() {
				return
			}
			Expect(cmd.Example).To(ContainSubstring(cmd.CommandPath()), "example of %q", cmd.CommandPath())
			Expect(cmd.ValidArgsFunction).NotTo(BeNil(), "completion of %q", cmd.CommandPath())
		}
		visit(NewCommand(Options{}))
	})

	Describe("completion", func() {
		var namespace string
		BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
		complete := func(ctx context.Context, args ...string) string {
			GinkgoHelper()
			got := storkctl(ctx, append([]string{"__complete"}, args...)...)
			Expect(got.code).To(BeZero())
			return got.out
		}

		It("knows the names of objects in the cluster that were not named yet", func(ctx SpecContext) {
			for _, name := range []string{"m1", "m2", "x"} {
				create(ctx, hereClient, newMigration(namespace, name))
			}
			Expect(complete(ctx, "get", "migrations", "-n", namespace, "m")).To(Equal("m1\nm2\nx\n:4\n"), "the shell filters by what was typed")
			Expect(complete(ctx, "delete", "migrations", "-n", namespace, "m1", "")).To(Equal("m2\nx\n:4\n"))
			Expect(complete(ctx, "get", "migrations", "-A", "")).To(ContainSubstring("m1\n"))
		})

		It("knows values of flags", func(ctx SpecContext) {
			create(ctx, hereClient, newPair(namespace, "pair1", "", ""))
			Expect(complete(ctx, "create", "migrations", "-n", namespace, "--clusterPair", "")).To(Equal("pair1\n:4\n"))
			Expect(complete(ctx, "get", "migrations", "-n", namespace, "-c", "")).To(Equal("pair1\n:4\n"))
			Expect(complete(ctx, "get", "migrations", "-n", "spec-")).To(ContainSubstring(namespace + "\n"))
			Expect(complete(ctx, "get", "migrations", "--context", "")).To(Equal("here\n:4\n"))
			Expect(complete(ctx, "get", "migrations", "-o", "")).To(Equal("table\njson\nyaml\n:4\n"))
			Expect(complete(ctx, "create", "clusterpair", "--mode", "")).To(Equal("async-dr\nsync-dr\nmigration\n:4\n"))
			ensureNamespace(ctx, hereClient, "kube-system")
			create(ctx, hereClient, newPair("kube-system", "admin-"+namespace, "", ""))
			Expect(complete(ctx, "create", "migrations", "-n", namespace, "--admin-cluster-pair", "")).To(ContainSubstring("admin-" + namespace + "\n"))
			location := &storkv1alpha1.BackupLocation{Location: storkv1alpha1.BackupLocationItem{Type: "s3"}}
			location.Namespace, location.Name = namespace, "store1"
			create(ctx, hereClient, location)
			Expect(complete(ctx, "create", "clusterpair", "-n", namespace, "--use-existing-objectstorelocation", "")).To(Equal("store1\n:4\n"))
			Expect(complete(ctx, "create", "clusterpair", "--provider", "")).To(Equal("s3\nazure\ngoogle\nnfs\n:4\n"))
		})

		It("knows what a schedule can run by, and to where", func(ctx SpecContext) {
			create(ctx, hereClient, &storkv1alpha1.NamespacedSchedulePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "own"},
				Policy: storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 5}}})
			create(ctx, hereClient, &storkv1alpha1.SchedulePolicy{ObjectMeta: metav1.ObjectMeta{Name: "shared-" + namespace},
				Policy: storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 5}}})
			ensureNamespace(ctx, hereClient, "kube-system")
			create(ctx, hereClient, newPair("kube-system", "boss-"+namespace, "", ""))
			policies := complete(ctx, "create", "migrationschedules", "-n", namespace, "--schedule-policy-name", "")
			Expect(policies).To(And(ContainSubstring("own\n"), ContainSubstring("shared-"+namespace+"\n")))
			Expect(complete(ctx, "get", "namespacedschedulepolicy", "-n", namespace, "")).To(Equal("own\n:4\n"))
			for _, command := range [][]string{{"create", "migrationschedules"}, {"get", "migrationschedules"}, {"suspend", "migrationschedules"}} {
				Expect(complete(ctx, append(command, "-n", namespace, "--admin-cluster-pair", "")...)).To(ContainSubstring("boss-" + namespace + "\n"))
			}
			Expect(complete(ctx, "create", "schedulepolicy", "--day-of-week", "")).To(ContainSubstring("Friday\n"))
			Expect(complete(ctx, "create", "migrationschedules", "--exclude-resource-types", "")).To(
				And(ContainSubstring("\nDeployment.apps\n"), ContainSubstring("\nSecret\n")))
		})

		It("offers no files where a new name is asked for", func(ctx SpecContext) {
			for _, args := range [][]string{{"create", "migrationschedules"}, {"create", "schedulepolicy"}, {"create", "namespacedschedulepolicy"}, {"version"}, {"create", "migrations"}, {"create", "clusterpair"}, {"generate", "clusterpair"}, {"perform", "failover"}, {"perform", "failback"}} {
				Expect(complete(ctx, append(args, "")...)).To(Equal(":4\n"))
			}
		})

		It("keeps quiet without a cluster", func(ctx SpecContext) {
			Expect(complete(ctx, "get", "migrations", "--kubeconfig", "/no/such/file", "")).To(Equal(":4\n"))
		})

		It("has a script for each shell", func(ctx SpecContext) {
			for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
				Expect(storkctl(ctx, "completion", shell).code).To(BeZero())
			}
		})
	})
})

func TestMessages(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	refused := &url.Error{Op: "Get", URL: "https://192.0.2.1:6443/api", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	tests := map[string]struct {
		err  error
		want []string
	}{
		"an error of ours":              {errors.New("no"), []string{"error: no"}},
		"an error that says so itself":  {errors.New("error: no"), []string{"error: no"}},
		"an answer of the server":       {apierrors.NewNotFound(pods, "p"), []string{`Error from server (NotFound): pods "p" not found`}},
		"an answer without a reason":    {&apierrors.StatusError{ErrStatus: metav1.Status{Message: "no"}}, []string{"Error from server: no"}},
		"an answer that was explained":  {fmt.Errorf("getting it: %w", apierrors.NewNotFound(pods, "p")), []string{`error: getting it: pods "p" not found`}},
		"a credential that is no good":  {apierrors.NewUnauthorized("Unauthorized"), []string{"error: You must be logged in to the server (Unauthorized)"}},
		"a server that is not there":    {refused, []string{"The connection to the server 192.0.2.1:6443 was refused - did you specify the right host or port?"}},
		"a server that does not answer": {&url.Error{Err: errors.New("i/o timeout")}, []string{"Unable to connect to the server: i/o timeout"}},
		"several":                       {errors.Join(errors.New("a"), errors.Join(errors.New("b"), errors.New("c"))), []string{"error: a", "error: b", "error: c"}},
		"no kubeconfig": {clientcmd.NewEmptyConfigError("x"), []string{
			"error: no kubeconfig found: name one with --kubeconfig or in the environment variable KUBECONFIG"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range each(test.err) {
				got = append(got, message(e))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}
