package fault_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// outages of the destination in the middle of a migration.
var outages = map[string]struct {
	process string
	standby bool
	// still is how long the process stands still; 0 kills it.
	still time.Duration
	// down is how long it is away when it was killed.
	down time.Duration
	long bool
}{
	"the API server is killed":             {process: localcluster.APIServer},
	"the database is killed":               {process: localcluster.Etcd, standby: true},
	"the API server stands still":          {process: localcluster.APIServer, still: 5 * time.Second, standby: true},
	"the database stands still":            {process: localcluster.Etcd, still: 5 * time.Second},
	"the API server stands still for long": {process: localcluster.APIServer, still: 80 * time.Second, long: true},
	"the database stands still for long":   {process: localcluster.Etcd, still: 80 * time.Second, long: true},
	"the API server is away for a while":   {process: localcluster.APIServer, down: 30 * time.Second, long: true},
	"the database is away for a while":     {process: localcluster.Etcd, down: 30 * time.Second, long: true},
}

func TestOutages(t *testing.T) {
	through := newProxy(t, source)
	startOperator(t, through)
	for number, name := range slices.Sorted(maps.Keys(outages)) {
		outage := outages[name]
		t.Run(name, func(t *testing.T) {
			if outage.long && !long {
				t.Skip(inLongForm)
			}
			w := newWorld(t, "outage-"+itoa(number), through, 40, outage.standby)
			signal := syscall.SIGKILL
			if outage.still > 0 {
				signal = syscall.SIGSTOP
			}
			blow := &faultproxy.Fault{Of: faultproxy.Writes, Skip: 10, Times: 1, Do: faultproxy.Before(func(*http.Request) {
				hit(t, outage.process, signal)
			})}
			w.destination.Inject(blow)
			migration := w.start("second")
			w.Eventually(blow.Struck).Should(BeEquivalentTo(1))
			recoverAfter(t, outage.process, outage.still, outage.down)
			w.judge(w.wait(migration), &scenario{again: true, unaudited: outage.process == localcluster.APIServer})
		})
	}
}

// hit sends a signal to a process of the destination.
func hit(t *testing.T, process string, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(destination.Processes()[process], signal); err != nil {
		t.Errorf("sending %s to %s: %v", signal, process, err)
	}
}

// recoverAfter lets a process that stands still go on, or starts it again.
func recoverAfter(t *testing.T, process string, still, down time.Duration) {
	t.Helper()
	g := NewWithT(t)
	<-time.After(still + down)
	if still > 0 {
		hit(t, process, syscall.SIGCONT)
		return
	}
	g.Eventually(destination.Processes).ShouldNot(HaveKey(process))
	g.Expect(destination.StartProcess(context.Background(), process)).To(Succeed())
	// What else needs it may have to come to itself.
	g.Eventually(func() error { return there.List(context.Background(), &storkv1alpha1.MigrationList{}) }).Should(Satisfy(isNoMatch))
}

// TestOutageWhilePairing has the destination stand still while a pair is made.
func TestOutageWhilePairing(t *testing.T) {
	if !long {
		t.Skip(inLongForm)
	}
	through := newProxy(t, source)
	startOperator(t, through)
	for _, process := range []string{localcluster.APIServer, localcluster.Etcd} {
		t.Run(process, func(t *testing.T) {
			g := NewWithT(t)
			hit(t, process, syscall.SIGSTOP)
			resume := sync.OnceFunc(func() { hit(t, process, syscall.SIGCONT) })
			defer resume()
			w := &world{T: t, WithT: g, namespace: "pairing-" + process, destination: newProxy(t, destination)}
			give(t, here, platform(w.namespace)[0])
			time.AfterFunc(20*time.Second, resume)
			w.pair()
		})
	}
}
