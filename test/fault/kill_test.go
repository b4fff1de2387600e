package fault_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
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
	count := 4
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
	usual := map[bool]requests{false: countRequests(t, "calm-plain", through, false), true: countRequests(t, "calm-standby", through, true)}
	unharmed, all := 0, seeds(t)
	main := t // The operator that survives one seed is that of the next one.
	for _, seed := range all {
		t.Run("seed "+itoa(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 0))
			w := newWorld(t, "kill-"+itoa(seed), through, 20, seed%2 == 0)
			migration, kills := w.start("second"), 0
			for range 1 + random.IntN(3) {
				to, proxy, count := "source", w.source, usual[w.standby].source
				if random.IntN(2) == 0 {
					to, proxy, count = "destination", w.destination, usual[w.standby].destination
				}
				moment := random.IntN(count)
				t.Logf("seed %d: killing the operator at request %d of about %d to the %s", seed, moment, count, to)
				fault := &faultproxy.Fault{Of: faultproxy.Any, Skip: int64(moment)}
				if !w.killAt(current, migration, proxy, fault, killings[random.IntN(len(killings))]) {
					break // It was faster.
				}
				kills++
				current = startOperator(main, through)
			}
			if kills == 0 {
				unharmed++
			}
			w.judge(w.wait(migration), &scenario{again: kills > 0})
		})
	}
	NewWithT(t).Expect(unharmed).To(BeNumerically("<=", len(all)/2), "migrations that were done before an operator was killed")
}

// requests are how many a migration takes.
type requests struct{ source, destination int }

// countRequests counts those of a migration that nothing happens to.
func countRequests(t *testing.T, namespace string, through *faultproxy.Proxy, standby bool) requests {
	t.Helper()
	w := newWorld(t, namespace, through, 20, standby)
	migration := w.migrate("second")
	count := requests{len(through.Requests()) - w.sourceMark, len(w.destination.Requests()) - w.destinationMark}
	w.judge(migration, &scenario{})
	return count
}

// killing kills an operator and lets a request pass or not.
type killing func(kill func()) faultproxy.Effect

// The operator dies instead of the request, just before it is carried out, or just after.
func instead(kill func()) faultproxy.Effect {
	return func(e *faultproxy.Exchange) { kill(); faultproxy.AbortStream()(e) }
}

func before(kill func()) faultproxy.Effect {
	return faultproxy.Before(func(*http.Request) { kill() })
}

func after(kill func()) faultproxy.Effect {
	return faultproxy.After(func(*http.Request) { kill() })
}

var killings = []killing{instead, before, after}

// lastMoments are those of a migration that chance seldom meets.
var lastMoments = map[string]struct {
	of            faultproxy.Match
	atDestination bool
	killing       killing
	items         int
	long          bool
}{
	"at a purge":                            {of: faultproxy.Deletes, atDestination: true, killing: after},
	"instead of the end":                    {of: final, killing: instead},
	"at the end":                            {of: final, killing: before},
	"after the end":                         {of: final, killing: after, long: true},
	"between the stored report and the end": {of: storedReport, killing: after, items: 520, long: true},
}

// storedReport matches the write of a part of a report.
func storedReport(r *http.Request) bool {
	return faultproxy.Patches(r) && strings.Contains(r.URL.Path, "/configmaps/migration-report-")
}

// TestKilledAtLast kills the operator at the end of a migration to a standby.
func TestKilledAtLast(t *testing.T) {
	through := newProxy(t, source)
	current := startOperator(t, through)
	main := t
	for number, name := range slices.Sorted(maps.Keys(lastMoments)) {
		moment := lastMoments[name]
		t.Run(name, func(t *testing.T) {
			if moment.long && !long {
				t.Skip(inLongForm)
			}
			w := newWorld(t, "last-"+itoa(number), through, max(moment.items, 20), true)
			proxy := w.source
			if moment.atDestination {
				proxy = w.destination
			}
			migration := w.start("second")
			w.Expect(w.killAt(current, migration, proxy, &faultproxy.Fault{Of: moment.of}, moment.killing)).To(BeTrue())
			current = startOperator(main, through)
			w.judge(w.wait(migration), &scenario{again: true})
		})
	}
}

// killAt kills the operator at the next request that a fault is about. It returns false if the Migration has ended before.
func (w *world) killAt(
	o *operator, migration *storkv1alpha1.Migration, proxy *faultproxy.Proxy, fault *faultproxy.Fault, how killing,
) bool {
	w.Helper()
	dead := make(chan struct{})
	fault.Times, fault.Do = 1, how(func() { o.signal(w.T, syscall.SIGKILL); close(dead) })
	proxy.Inject(fault)
	w.Eventually(func() bool {
		w.Expect(here.Get(context.Background(), client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		return fault.Struck() > 0 || migration.Status.Stage == storkv1alpha1.MigrationStageFinal
	}).Should(BeTrue())
	proxy.Heal(fault)
	if fault.Struck() == 0 {
		return false
	}
	w.Eventually(dead).Should(BeClosed())
	w.Expect(o.Stop()).To(Succeed())
	return true
}
