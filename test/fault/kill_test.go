package fault_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// seeds returns what decides where operators are killed.
func seeds(t *testing.T) []int {
	t.Helper()
	if chosen := os.Getenv("GODWIT_FAULT_SEED"); chosen != "" {
		seed, err := strconv.Atoi(chosen)
		if err != nil {
			t.Fatal(err)
		}
		return []int{seed}
	}
	count := 5
	if long {
		count = 50
	}
	all := make([]int, count)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// TestKilledOperators kills the operator once or several times in each migration, at one of the requests that it sends. Whichever it
// is, the next operator brings the migration to its end.
func TestKilledOperators(t *testing.T) {
	through := newProxy(t, source)
	current := startOperator(t, through)
	calm := newWorld(t, "kill-0", through, 20)
	calm.judge(calm.migrate("second"), &scenario{})
	toSource, toDestination := len(through.Requests())-calm.sourceMark, len(calm.destination.Requests())-calm.destinationMark

	all := t // The operator that survives one seed is that of the next one.
	for _, seed := range seeds(t) {
		t.Run("seed "+itoa(seed), func(t *testing.T) {
			w := newWorld(t, "kill-"+itoa(seed), through, 20)
			random := rand.New(rand.NewPCG(uint64(seed), 0))
			migration, kills := w.start("second"), 0
			for range 1 + random.IntN(3) {
				to, proxy, requests := "source", w.source, toSource
				if random.IntN(2) == 0 {
					to, proxy, requests = "destination", w.destination, toDestination
				}
				moment := random.IntN(requests * 3 / 4)
				t.Logf("seed %d: killing the operator at request %d of about %d to the %s", seed, moment, requests, to)
				if !w.killAt(current, migration, proxy, moment, random) {
					break // It was faster.
				}
				kills++
				current = startOperator(all, through)
			}
			w.Expect(kills).To(BeNumerically(">", 0))
			w.judge(w.wait(migration), &scenario{again: true})
		})
	}
}

// killAt kills the operator at one of the next requests: instead of it, just before it is carried out, or just after. It returns false
// if the Migration has ended before.
func (w *world) killAt(
	o *operator, migration *storkv1alpha1.Migration, proxy *faultproxy.Proxy, moment int, random *rand.Rand,
) bool {
	w.Helper()
	kill := func() { o.signal(w.T, syscall.SIGKILL) }
	effects := []faultproxy.Effect{
		func(e *faultproxy.Exchange) { kill(); faultproxy.AbortStream()(e) },
		faultproxy.Before(func(*http.Request) { kill() }),
		faultproxy.After(func(*http.Request) { kill() }),
	}
	fault := &faultproxy.Fault{Of: faultproxy.Any, Skip: int64(moment), Times: 1, Do: effects[random.IntN(len(effects))]}
	proxy.Inject(fault)
	w.Eventually(func() bool {
		w.Expect(here.Get(context.Background(), client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		return fault.Struck() > 0 || migration.Status.Stage == storkv1alpha1.MigrationStageFinal
	}).Should(BeTrue())
	proxy.Heal(fault)
	if fault.Struck() == 0 {
		return false
	}
	w.Expect(o.Stop()).To(Succeed())
	return true
}
