package localnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/leak"
)

// parentEnv turns this test binary into a program that starts a machine with a process, prints its id, and waits. Its value is the
// path of pause.
const parentEnv = "LOCALNODE_TEST_PARENT"

func TestMain(m *testing.M) {
	if pause := os.Getenv(parentEnv); pause != "" {
		beParent(pause)
	}
	leak.Main(m)
}

func beParent(pause string) {
	m, err := startMachine(context.Background(), "the machine", pause)
	if err == nil {
		child := exec.Command("sleep", "1000")
		err = m.start(child)
		fmt.Println(child.Process.Pid)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// needRoot skips a test where namespaces, mounts and cgroups cannot be made, which a container's root may not do either.
func needRoot(t *testing.T) {
	t.Helper()
	probe := exec.CommandContext(t.Context(), "true")
	probe.SysProcAttr = firstProcess()
	if err := probe.Run(); errors.Is(err, os.ErrPermission) {
		t.Skip("namespaces need root")
	}
}

func buildPause(t *testing.T) string {
	t.Helper()
	needRoot(t)
	pause := filepath.Join(t.TempDir(), "pause")
	if err := image.Build(t.Context(), "./pause", pause); err != nil {
		t.Fatal(err)
	}
	return pause
}

func newMachine(t *testing.T, pause string) *machine {
	t.Helper()
	m, err := startMachine(t.Context(), t.Name(), pause)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.stop(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func output(t *testing.T, m *machine, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var out strings.Builder
	cmd.Stdout = &out
	if err := errors.Join(m.start(cmd), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhatIsMountedOnAMachineStaysThere(t *testing.T) {
	m := newMachine(t, buildPause(t))
	dir := t.TempDir()
	if err := m.run(t.Context(), "mount", "-t", "tmpfs", "tmpfs", dir); err != nil {
		t.Fatal(err)
	}
	if err := m.do(func() error { return os.WriteFile(filepath.Join(dir, "there"), nil, 0o600) }); err != nil {
		t.Fatal(err)
	}
	if got := output(t, m, "ls", dir); got != "there\n" {
		t.Errorf("on the machine is %q", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("here are %v, %v", entries, err)
	}
	if mounts, err := mountsBelow(filepath.Dir(dir)); err != nil || len(mounts) > 0 {
		t.Errorf("mounted here: %v, %v", mounts, err)
	}
}

func TestProcessesOfAMachineSeeItsProcessesAndNetworkOnly(t *testing.T) {
	m := newMachine(t, buildPause(t))
	if got := output(t, m, "sh", "-c", "echo $$; cat /proc/1/comm"); !strings.HasSuffix(got, "\npause\n") || len(got) > 15 {
		t.Errorf("the shell says %q", got)
	}
	if got := output(t, m, "ip", "-brief", "link"); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "lo ") {
		t.Errorf("links are %q", got)
	}
}

func TestMachinesReachEachOtherThroughABridge(t *testing.T) {
	pause := buildPause(t)
	hub, m := newMachine(t, pause), newMachine(t, pause)
	for _, command := range []string{"ip link add hub type bridge", "ip address add 172.30.0.1/24 dev hub", "ip link set hub up"} {
		if err := hub.run(t.Context(), strings.Fields(command)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.plug(t.Context(), hub, "port", "hub"); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"ip address add 172.30.0.11/24 dev eth0", "ip link set eth0 up"} {
		if err := m.run(t.Context(), strings.Fields(command)...); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := m.listen(t.Context(), "172.30.0.11:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	conn, err := hub.dial(t.Context(), "tcp", "172.30.0.11:80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, name := range []string{"hub", "port"} {
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("interface %s is of this machine", name)
		}
	}
}

func TestStopKillsWhatRunsOnAMachine(t *testing.T) {
	m, err := startMachine(t.Context(), "the machine", buildPause(t))
	if err != nil {
		t.Fatal(err)
	}
	// An orphan that no signal to its parent reaches.
	if err := m.run(t.Context(), "sh", "-c", "setsid sleep 1000 </dev/null >/dev/null 2>&1 &"); err != nil {
		t.Fatal(err)
	}
	processes := strings.TrimSpace(output(t, m, "readlink", "/proc/self/ns/pid"))
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == processes {
			t.Errorf("%s lives", link)
		}
	}
}

func TestMachineDiesWithItsKilledParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+buildPause(t))
	parent.Stderr = os.Stderr
	parent.SysProcAttr = localcluster.ChildAttributes()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	process := filepath.Join("/proc", strings.TrimSpace(line), "ns", "net")
	if _, err := os.Readlink(process); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // Its error is that it was killed.
	gone := func(context.Context) (bool, error) {
		_, err := os.Readlink(process) // Of a zombie it cannot be read either.
		return err != nil, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, gone); err != nil {
		t.Errorf("%s is still there: %v", process, err)
	}
}
