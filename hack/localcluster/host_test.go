package localcluster

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// ownIP returns an address of this machine that is not of its loopback interface, where an API server cannot be for pods.
func ownIP(t *testing.T) net.IP {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.To4()
		}
	}
	t.Skip("this machine has a loopback interface only")
	return nil
}

func TestClusterOnAHostIsReachedInsideAndThroughTheRelay(t *testing.T) {
	var started, dialled atomic.Int32
	host := &Host{
		IP: ownIP(t),
		Start: func(cmd *exec.Cmd) error {
			started.Add(1)
			cmd.SysProcAttr = ChildAttributes()
			return cmd.Start()
		},
		Dial: (&net.Dialer{Control: func(string, string, syscall.RawConn) error { dialled.Add(1); return nil }}).DialContext,
	}
	c, err := Start(t.Context(), Options{Name: "hosted", Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	content, err := c.InsideKubeconfig("someone", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(inside.Host, "https://"+host.IP.String()+":") {
		t.Errorf("inside it is at %s, want it at %s", inside.Host, host.IP)
	}
	createConfigMap(t, clientFor(t, inside), "from-inside")
	before := dialled.Load()
	outside := c.Config()
	if !strings.HasPrefix(outside.Host, "https://"+loopback+":") {
		t.Errorf("from here it is at %s", outside.Host)
	}
	expectConfigMap(t, clientFor(t, outside), "from-inside")
	if dialled.Load() == before {
		t.Error("from here it is not reached through the host's network")
	}
	if err := c.Run(t.Context(), Program{
		Name: "sleep", Path: "/bin/sleep", Args: []string{"1000"}, Ready: func(context.Context) error { return nil },
	}); err != nil {
		t.Fatal(err)
	}
	if pids := c.Processes(); len(pids) != 3 || pids["sleep"] == 0 || started.Load() != 3 {
		t.Errorf("got processes %v, of which the host started %d", pids, started.Load())
	}
}
