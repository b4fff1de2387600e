package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// The clusters' places in Stage.Clusters.
const (
	Source = iota
	Destination
)

// Stage is what runs. Make it with Play.
type Stage struct {
	// Clusters are the source and the destination, once Start has returned.
	Clusters []*localcluster.Cluster

	folder   string
	managers []*localgodwit.Manager
	volumes  []string
	steps    int
	began    time.Time // the step
}

// Play plays the acts of a demo one after the other until one fails, cleans up, and exits with code 1 if anything failed.
func Play(acts func(*Stage) []func(context.Context) error) {
	if err := playUntilInterrupted(acts); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func playUntilInterrupted(acts func(*Stage) []func(context.Context) error) error {
	log.SetLogger(logr.Discard()) // Libraries have nothing to tell that the reader of the output should know.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s := &Stage{}
	err := s.play(ctx, acts(s))
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

func (s *Stage) play(ctx context.Context, acts []func(context.Context) error) (err error) {
	began := time.Now()
	defer func() {
		s.Title("Clean up")
		if stopErr := s.stop(); stopErr != nil {
			err = errors.Join(err, stopErr)
			return
		}
		s.Say("Nothing is left running. The demo took %s.", time.Since(began).Round(time.Second))
	}()
	for _, act := range acts {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Title begins a step, and tells how long the one before it took.
func (s *Stage) Title(text string) {
	if s.steps > 0 {
		fmt.Printf("\n(%s)\n", time.Since(s.began).Round(100*time.Millisecond))
	}
	s.steps, s.began = s.steps+1, time.Now()
	fmt.Printf("\n== %d. %s\n\n", s.steps, text)
}

// Say prints a line.
func (s *Stage) Say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Start starts both control planes with the operator.
func (s *Stage) Start(ctx context.Context) (err error) {
	s.Title("Start two control planes, and Godwit in both")
	if s.folder, err = os.MkdirTemp("", "godwit-demo-"); err != nil {
		return err
	}
	began := time.Now()
	s.Clusters, err = localcluster.StartAll(ctx,
		localcluster.Options{Name: "source", Dir: filepath.Join(s.folder, "source"), ControllerManager: true, Progress: os.Stdout},
		localcluster.Options{Name: "destination", Dir: filepath.Join(s.folder, "destination"), ControllerManager: true})
	if err != nil {
		return err
	}
	for _, cluster := range s.Clusters {
		if err := s.install(ctx, cluster); err != nil {
			return err
		}
	}
	s.Say("Two kube-apiservers, etcds, controller managers and Godwits are up after %s.", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func (s *Stage) install(ctx context.Context, cluster *localcluster.Cluster) error {
	if err := localgodwit.InstallCRDs(cluster.Config(), "."); err != nil {
		return err
	}
	log := filepath.Join(filepath.Dir(cluster.KubeconfigFile()), "godwit.log")
	webhooks, err := localgodwit.InstallWebhooks(ctx, cluster.Config(), ".")
	if err != nil {
		return err
	}
	manager, err := localgodwit.StartManager(ctx, "bin/godwit", cluster.Kubeconfig(), log, webhooks)
	if err != nil {
		return err
	}
	s.managers = append(s.managers, manager)
	return nil
}

// Show runs a command as a user would, and prints it with its output.
func (s *Stage) Show(ctx context.Context, cluster int, command ...string) error {
	fmt.Printf("$ %s\n", quoted(command))
	output, err := s.run(ctx, cluster, nil, command...)
	fmt.Println(output)
	return err
}

// Kubectl runs kubectl and returns its output.
func (s *Stage) Kubectl(ctx context.Context, cluster int, input io.Reader, arguments ...string) (string, error) {
	return s.run(ctx, cluster, input, append([]string{"kubectl"}, arguments...)...)
}

// Apply creates the objects of a manifest and prints what was created.
func (s *Stage) Apply(ctx context.Context, cluster int, manifest []byte) error {
	output, err := s.Kubectl(ctx, cluster, bytes.NewReader(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	fmt.Print("  " + strings.ReplaceAll(strings.TrimSuffix(output, "\n"), "\n", "\n  ") + "\n")
	return nil
}

func (s *Stage) run(ctx context.Context, cluster int, input io.Reader, command ...string) (string, error) {
	program := "bin/storkctl"
	if command[0] == "kubectl" {
		program = s.Clusters[cluster].KubectlPath()
	}
	process := exec.CommandContext(ctx, program, command[1:]...)
	process.Env = append(os.Environ(), "KUBECONFIG="+s.Clusters[cluster].KubeconfigFile())
	process.Stdin = input
	var stdout, stderr bytes.Buffer
	process.Stdout, process.Stderr = &stdout, &stderr
	if err := process.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// AwaitVolume waits until a claim is bound at the source, and remembers where volumes are.
func (s *Stage) AwaitVolume(ctx context.Context, namespace, claim string) error {
	// The claim may still have to be made, by the controller of a StatefulSet.
	for _, condition := range []string{"create", "jsonpath={.status.phase}=Bound"} {
		if _, err := s.Kubectl(ctx, Source, nil, "wait", "--for="+condition, "--timeout=60s", "-n", namespace, "pvc/"+claim); err != nil {
			return err
		}
	}
	paths, err := s.Kubectl(ctx, Source, nil, "get", "pv", "-o", "jsonpath={.items[*].spec.hostPath.path}")
	s.volumes = strings.Fields(paths)
	return err
}

// stop leaves nothing running and nothing on the disk.
func (s *Stage) stop() error {
	var failures []error
	for _, manager := range s.managers {
		failures = append(failures, manager.Stop())
	}
	for _, cluster := range s.Clusters {
		failures = append(failures, cluster.Stop())
	}
	for _, volume := range s.volumes {
		// The provisioner of the control plane makes volumes here, and only here.
		if strings.HasPrefix(volume, "/tmp/hostpath_pv/") {
			failures = append(failures, os.RemoveAll(volume))
		}
	}
	if s.folder != "" {
		failures = append(failures, os.RemoveAll(s.folder))
	}
	return errors.Join(failures...)
}

// quoted returns a command as a shell takes it.
func quoted(command []string) string {
	words := make([]string, len(command))
	for i, word := range command {
		if strings.ContainsAny(word, " {}()[]?*\"$;&|<>") {
			word = "'" + word + "'"
		}
		words[i] = word
	}
	return strings.Join(words, " ")
}
