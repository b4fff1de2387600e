package fault_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// TestLostLease has the operator that leads stand still in the middle of a migration until another one has taken the lease, and the
// source change meanwhile. When the first one goes on, it must neither undo what the other one did nor report anything.
func TestLostLease(t *testing.T) {
	elect := []string{"--leader-elect=true", "--leader-election-namespace=kube-system"}
	firstProxy, secondProxy := newProxy(t, source), newProxy(t, source)
	first := startOperator(t, firstProxy, elect...)
	w := newWorld(t, "lease", firstProxy, 100)
	w.standby = secondProxy
	startOperator(t, secondProxy, elect...)

	stop := &faultproxy.Fault{Of: faultproxy.Writes, Skip: 20, Times: 1, Do: faultproxy.Before(func(*http.Request) { first.signal(t, syscall.SIGSTOP) })}
	w.destination.Inject(stop)
	migration := w.start("second")
	w.Eventually(stop.Struck).Should(BeEquivalentTo(1))

	sourceMark, destinationMark := w.sourceMark, w.destinationMark
	w.objects = append(platform(w.namespace), part(w.namespace, "three", 0, 100)...)
	give(t, here, w.objects...)
	before := w.before
	w.plan()
	w.before, w.sourceMark, w.destinationMark = before, sourceMark, destinationMark

	// It goes on as soon as the other one writes to the destination.
	goOn := &faultproxy.Fault{Of: faultproxy.Writes, Times: 1, Do: faultproxy.After(func(*http.Request) { first.signal(t, syscall.SIGCONT) })}
	w.destination.Inject(goOn, &faultproxy.Fault{Of: faultproxy.Writes, Do: faultproxy.Slow(20 * time.Millisecond)})
	w.Eventually(goOn.Struck).Should(BeEquivalentTo(1))
	w.Eventually(func() error { return syscall.Kill(first.PID(), 0) }).Should(MatchError(syscall.ESRCH), "it ends by itself")
	w.judge(w.wait(migration), &scenario{again: true})
}
