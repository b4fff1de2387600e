package fault_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// electing are arguments of an operator that works only while it holds the lease.
var electing = []string{"--leader-elect=true", "--leader-election-namespace=kube-system"}

// TestLostLease has the operator that leads stand still in the middle of a migration until another one has taken the lease, and the
// source change meanwhile. When the first one goes on, it must neither undo what the other one did nor report anything.
func TestLostLease(t *testing.T) {
	firstProxy, secondProxy := newProxy(t, source), newProxy(t, source)
	first := startOperator(t, firstProxy, electing...)
	w := newWorld(t, "lease", firstProxy, 100, false)
	w.second = secondProxy
	startOperator(t, secondProxy, electing...)

	stop := &faultproxy.Fault{Of: faultproxy.Writes, Skip: 20, Times: 1, Do: faultproxy.Before(func(*http.Request) { first.signal(t, syscall.SIGSTOP) })}
	w.destination.Inject(stop)
	migration := w.start("second")
	w.Eventually(stop.Struck).Should(BeEquivalentTo(1))

	before, began := w.before, w.mark
	w.give("three", part(w.namespace, "three", 0, 100)...)
	w.plan()
	w.before, w.mark = before, began

	// It goes on as soon as the other one writes to the destination.
	goOn := &faultproxy.Fault{Of: faultproxy.Writes, Times: 1, Do: faultproxy.After(func(*http.Request) { first.signal(t, syscall.SIGCONT) })}
	w.destination.Inject(goOn, &faultproxy.Fault{Of: faultproxy.Writes, Do: faultproxy.Slow(20 * time.Millisecond)})
	w.Eventually(goOn.Struck).Should(BeEquivalentTo(1))
	w.Eventually(func() error { return syscall.Kill(first.PID(), 0) }).Should(MatchError(syscall.ESRCH), "it ends by itself")
	w.judge(w.wait(migration), &scenario{again: true})
}

// TestUnrenewableLease has the operator that leads not reach its lease any more in the middle of a migration. It ends, and another one
// continues.
func TestUnrenewableLease(t *testing.T) {
	if !long {
		t.Skip(inLongForm)
	}
	firstProxy, secondProxy := newProxy(t, source), newProxy(t, source)
	first := startOperator(t, firstProxy, electing...)
	w := newWorld(t, "unrenewable", firstProxy, 100, true)
	w.second = secondProxy
	startOperator(t, secondProxy, electing...)
	w.destination.Inject(&faultproxy.Fault{Of: faultproxy.Writes, Do: faultproxy.Slow(3 * time.Second)})
	migration := w.start("second")
	w.Eventually(func() int { return len(w.writes(w.since)) }).Should(BeNumerically(">", 0))
	firstProxy.Inject(&faultproxy.Fault{Of: faultproxy.On(faultproxy.Any, "leases"), Do: faultproxy.Unavailable()})
	w.Eventually(func() error { return syscall.Kill(first.PID(), 0) }).Should(MatchError(syscall.ESRCH), "it ends by itself")
	w.judge(w.wait(migration), &scenario{again: true})
}
