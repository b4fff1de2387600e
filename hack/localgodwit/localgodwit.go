// Package localgodwit runs the operator as a plain process against a cluster of package localcluster: for the demo, benchmarks
// and tests that span processes.
//
// It must know nothing of what the operator is used for.
package localgodwit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

// startTimeout is how long the operator may take until it is ready.
const startTimeout = time.Minute

// stopTimeout is how long it may take to end.
const stopTimeout = 40 * time.Second

// Scheme knows the kinds of Kubernetes and of Godwit.
func Scheme() *k8sruntime.Scheme {
	scheme := k8sruntime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(storkv1alpha1.AddToScheme(scheme))
	return scheme
}

// Client returns a client without a throttle.
func Client(config *rest.Config) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	return client.NewWithWatch(config, client.Options{Scheme: Scheme()})
}

// InstallCRDs installs Godwit's CRDs from the checkout at root.
func InstallCRDs(config *rest.Config, root string) error {
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(root, "config", "crd", "bases")}, ErrorIfPathMissing: true,
	})
	return err
}

// Manager is a running operator.
type Manager struct {
	// MetricsURL is where its metrics are: over plain HTTP, or over TLS where it was started as a Release.
	MetricsURL string
	command    *exec.Cmd
	exited     chan error
	log        string
}

// StartManager starts the operator's binary with a kubeconfig and waits until it is ready. Its log goes to the file log. It serves
// no webhooks unless args has what InstallWebhooks returns.
func StartManager(ctx context.Context, binary string, kubeconfig []byte, log string, args ...string) (*Manager, error) {
	file := filepath.Join(filepath.Dir(log), "godwit.kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	addresses, err := FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	command := exec.Command(binary, append([]string{"manager", "--kubeconfig=" + file, "--leader-elect=false",
		"--webhook-bind-address=0", "--metrics-secure=false", "--metrics-bind-address=" + addresses[0], "--health-probe-bind-address=" + addresses[1]}, args...)...)
	manager, err := Start(ctx, command, log, "http://"+addresses[1]+"/readyz")
	if err != nil {
		return nil, err
	}
	manager.MetricsURL = "http://" + addresses[0] + "/metrics"
	return manager, nil
}

// Start runs a command that is the operator, for callers who choose all of its arguments, and waits until readyURL answers. Its
// log goes to the file log. MetricsURL stays empty.
func Start(ctx context.Context, command *exec.Cmd, log, readyURL string) (*Manager, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer output.Close() //nolint:errcheck // The process has its own handle.
	command.Stdout, command.Stderr = output, output
	manager := &Manager{command: command, exited: make(chan error, 1), log: log}
	if err := manager.start(); err != nil {
		return nil, err
	}
	if err := manager.waitReady(ctx, readyURL); err != nil {
		return nil, errors.Join(err, manager.Stop())
	}
	return manager, nil
}

// start starts the process so that it dies when this one does, in whatever way: nothing may be left running. Linux ties that to
// the thread that started it, which therefore has to live as long.
func (m *Manager) start() error {
	m.command.SysProcAttr = localcluster.ChildAttributes()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := m.command.Start()
		started <- err
		if err == nil {
			m.exited <- m.command.Wait()
		}
	}()
	return <-started
}

// FreeAddresses returns so many addresses on the loopback interface where nothing listens.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() //nolint:errcheck // Open until all are found, so that they differ.
		addresses[i] = listener.Addr().String()
	}
	return addresses, nil
}

func (m *Manager) waitReady(ctx context.Context, url string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-m.exited:
			m.exited <- err
			return false, fmt.Errorf("it exited: %w", err)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // It does not listen yet.
		}
		defer response.Body.Close() //nolint:errcheck // Nothing is read.
		return response.StatusCode == http.StatusOK, nil
	})
	if err == nil {
		return nil
	}
	content, readErr := os.ReadFile(m.log)
	return errors.Join(fmt.Errorf("the operator did not become ready: %w; its log ends with:\n%s", err, content[max(0, len(content)-2000):]), readErr)
}

// Log returns what the operator has written so far.
func (m *Manager) Log() (string, error) {
	content, err := os.ReadFile(m.log)
	return string(content), err
}

// PID is the operator's process.
func (m *Manager) PID() int { return m.command.Process.Pid }

// Stop ends the operator and returns when it has ended. It returns an error if the operator does not end, or its log tells of a data
// race or a crash.
func (m *Manager) Stop() error {
	if err := m.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-m.exited:
		m.exited <- err // For a second call.
		return m.checkLog()
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("the operator did not end within %s and was killed", stopTimeout), m.command.Process.Kill(), m.checkLog())
	}
}

// disaster begins what Go's runtime writes of a process that is broken.
var disaster = regexp.MustCompile(`(?m)^(panic:|fatal error:|WARNING: DATA RACE)`)

// disasterShown is how much of it a reader gets to see, in bytes.
const disasterShown = 4000

func (m *Manager) checkLog() error {
	content, err := os.ReadFile(m.log)
	if err != nil {
		return err
	}
	if found := disaster.FindIndex(content); found != nil {
		return fmt.Errorf("the operator wrote:\n%s", content[found[0]:min(len(content), found[0]+disasterShown)])
	}
	return nil
}

// Pair creates a ClusterPair that leads to the cluster of a kubeconfig file's content, with the credential inline in Stork's
// form, and waits until it is Ready.
func Pair(ctx context.Context, c client.Client, namespace, name string, kubeconfig []byte, mappings map[string]string) error {
	config, err := PairConfig(kubeconfig)
	if err != nil {
		return err
	}
	pair := &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       storkv1alpha1.ClusterPairSpec{Config: &k8sruntime.RawExtension{Raw: config}},
	}
	if len(mappings) > 0 {
		pair.Spec.PlatformOptions.Rancher = &storkv1alpha1.RancherSpec{ProjectMappings: mappings}
	}
	if err := c.Create(ctx, pair); err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(pair), pair); err != nil {
			return false, err
		}
		return pair.Status.SchedulerStatus == storkv1alpha1.ClusterPairStatusReady, nil
	})
	if err != nil {
		return fmt.Errorf("ClusterPair %s/%s did not become Ready: %w; its status is %+v", namespace, name, err, pair.Status)
	}
	return nil
}

// PairConfig turns a kubeconfig file into the form of ClusterPair.spec.config, which is that of client-go's own type.
func PairConfig(kubeconfig []byte) ([]byte, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, err
	}
	return json.Marshal(config)
}
