package fault_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// newProxy starts a proxy in front of a cluster.
func newProxy(t *testing.T, cluster *localcluster.Cluster) *faultproxy.Proxy {
	t.Helper()
	proxy, err := faultproxy.Start(cluster.Config())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(proxy.Close)
	return proxy
}

// operator is a running process that reaches the source through a proxy.
type operator struct{ *localgodwit.Manager }

var operators atomic.Int64

// startOperator starts an operator, which is stopped with the test.
func startOperator(t *testing.T, through *faultproxy.Proxy, args ...string) *operator {
	t.Helper()
	g := NewWithT(t)
	folder := filepath.Join(workspace, "operator-"+itoa(operators.Add(1)))
	g.Expect(os.Mkdir(folder, 0o700)).To(Succeed())
	kubeconfig, err := through.Kubeconfig()
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := localgodwit.StartManager(context.Background(), operatorPath, kubeconfig, filepath.Join(folder, "log"), args...)
	g.Expect(err).NotTo(HaveOccurred())
	o := &operator{Manager: manager}
	t.Cleanup(func() { o.end(t) })
	return o
}

func (o *operator) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(o.PID(), signal); err != nil {
		t.Logf("sending %s to the operator: %v", signal, err)
	}
}

// end stops the operator.
func (o *operator) end(t *testing.T) {
	t.Helper()
	if err := o.Stop(); err != nil {
		t.Error(err)
	}
	if os.Getenv("GODWIT_FAULT_LOGS") == "" {
		return
	}
	log, err := o.Log()
	if err != nil {
		t.Error(err)
	}
	t.Logf("the operator's log:\n%s", strings.TrimSpace(log))
}
