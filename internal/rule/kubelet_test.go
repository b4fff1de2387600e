package rule

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	kubeletexec "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// kubelet stands for the kubelet and the container runtime of a node, which cannot run here: they need root and containers.
// The API server is a real one, and so is the streaming server, which is the runtimes' own; only what a "container" is differs:
// a folder of its own in which commands run as ordinary processes. So the shell scripts run for real, and every byte takes the
// way that it takes in a cluster.
type kubelet struct {
	server *httptest.Server
	root   string
	// heldStdin has commands not notice that their connection broke, as some runtimes do.
	heldStdin atomic.Bool
	// commands ends with the kubelet, by halt, and with it what still runs in containers.
	commands context.Context
	halt     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	execs []execution
}

// execution is a command that was started.
type execution struct {
	pod, container string
	pid            int
}

func startKubelet() (*kubelet, error) {
	root, err := os.MkdirTemp("", "godwit-rule-test-")
	if err != nil {
		return nil, err
	}
	k := &kubelet{root: root}
	k.commands, k.halt = context.WithCancel(context.Background())
	k.server = httptest.NewUnstartedServer(http.HandlerFunc(k.serveExec))
	k.server.Listener = &recordingListener{Listener: k.server.Listener, kubelet: k}
	k.server.StartTLS()
	return k, nil
}

func (k *kubelet) stop() error {
	k.halt()
	k.cut()
	k.server.Close()
	k.running.Wait()
	return os.RemoveAll(k.root)
}

func (k *kubelet) port() int {
	_, port, _ := net.SplitHostPort(k.server.Listener.Addr().String())
	number, _ := strconv.Atoi(port)
	return number
}

// serveExec serves /exec/<namespace>/<pod>/<container>.
func (k *kubelet) serveExec(w http.ResponseWriter, req *http.Request) {
	path := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	if len(path) != 4 || path[0] != "exec" {
		http.NotFound(w, req)
		return
	}
	options, err := kubeletexec.NewOptions(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kubeletexec.ServeExec(w, req, k, path[1]+"/"+path[2], "", path[3], req.Form["command"], options,
		time.Hour, time.Minute, kubeletexec.SupportedStreamingProtocols)
}

// ExecInContainer implements the streaming server's Executor. The container "bash" has that shell for sh, all others that of
// the machine.
func (k *kubelet) ExecInContainer(_ context.Context, pod, _, container string, command []string, in io.Reader,
	out, stderr io.WriteCloser, _ bool, _ <-chan kubeletexec.TerminalSize, _ time.Duration,
) error {
	k.running.Add(1)
	defer k.running.Done()
	process := exec.CommandContext(k.commands, command[0], command[1:]...)
	// Its children hold its output open, so they have to end with it.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGKILL) }
	process.Dir = k.dir(pod, container)
	process.Env = []string{"PATH=" + k.path(container), "HOSTNAME=" + filepath.Base(pod)}
	process.Path = filepath.Join(k.path(container)[:strings.IndexByte(k.path(container), ':')], command[0])
	process.Err = nil
	process.Stdout, process.Stderr = out, stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	k.record(execution{pod: pod, container: container, pid: process.Process.Pid})
	if in != nil {
		go func() {
			_, _ = io.Copy(stdin, in)
			if !k.heldStdin.Load() {
				_ = stdin.Close()
			}
		}()
	}
	err = process.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// dir is where the commands of a container run.
func (k *kubelet) dir(pod, container string) string {
	dir := filepath.Join(k.root, pod, container)
	_ = os.MkdirAll(dir, 0o700)
	return dir
}

// path makes a folder with the shell of a container and returns the search path.
func (k *kubelet) path(container string) string {
	shell := "/bin/sh"
	if container == "bash" {
		shell = "/bin/bash"
	}
	bin := filepath.Join(k.root, "bin-"+filepath.Base(shell))
	_ = os.Mkdir(bin, 0o700)
	_ = os.Symlink(shell, filepath.Join(bin, "sh"))
	return bin + ":/usr/bin:/bin"
}

func (k *kubelet) record(e execution) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.execs = append(k.execs, e)
}

// executions returns the commands that were started in the pods of a namespace.
func (k *kubelet) executions(namespace string) []execution {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []execution
	for _, e := range k.execs {
		if strings.HasPrefix(e.pod, namespace+"/") {
			found = append(found, e)
		}
	}
	return found
}

// containers returns where commands were started.
func containers(executions []execution) []string {
	var found []string
	for _, e := range executions {
		found = append(found, e.pod+"/"+e.container)
	}
	return found
}

// cut breaks all connections.
func (k *kubelet) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, conn := range k.conns {
		_ = conn.Close()
	}
	k.conns = nil
}

type recordingListener struct {
	net.Listener
	kubelet *kubelet
}

func (l *recordingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.kubelet.mu.Lock()
		defer l.kubelet.mu.Unlock()
		l.kubelet.conns = append(l.kubelet.conns, conn)
	}
	return conn, err
}

// withoutWebSocket returns the configuration of a client behind a proxy which, like old load balancers, lets no WebSocket
// through. refused counts the attempts.
func withoutWebSocket(config *rest.Config, refused func()) (*rest.Config, func(), error) {
	config = rest.CopyConfig(config)
	// HTTP/2 knows no upgrade.
	config.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, nil, err
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, nil, err
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.EqualFold(req.Header.Get("Upgrade"), "websocket") {
			refused()
			http.Error(w, "no WebSocket here", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	return &rest.Config{Host: server.URL}, server.Close, nil
}
