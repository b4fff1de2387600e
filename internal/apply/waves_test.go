package apply

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestWavesFollowTheirPredecessorsInTheTable(t *testing.T) {
	for number, w := range waves {
		for _, predecessor := range w.after {
			if predecessor >= number {
				t.Errorf("wave %d comes after %d, which is later in the table", number, predecessor)
			}
		}
		if len(w.resources) == 0 && number != waveCustomResources {
			t.Errorf("wave %d has no kinds", number)
		}
	}
}

func TestNoKindIsInTwoWaves(t *testing.T) {
	seen := map[string]int{}
	for number, w := range waves {
		for _, resource := range w.resources {
			if other, twice := seen[resource]; twice {
				t.Errorf("%s is in the waves %d and %d", resource, other, number)
			}
			seen[resource] = number
		}
	}
}

// comesAfter tells whether a wave waits for another one, directly or not.
func comesAfter(wave, other int) bool {
	return slices.ContainsFunc(waves[wave].after, func(w int) bool { return w == other || comesAfter(w, other) })
}

func TestWaveOf(t *testing.T) {
	for name, test := range map[string]struct {
		before, after string
		// apart kinds do not wait for each other.
		apart bool
	}{
		"namespaces before all that is in them":      {before: "namespaces", after: "configmaps"},
		"namespaces before Services":                 {before: "namespaces", after: "services"},
		"classes before volumes":                     {before: "storageclasses.storage.k8s.io", after: "persistentvolumes"},
		"volumes before claims":                      {before: "persistentvolumes", after: "persistentvolumeclaims"},
		"claims before what would make its own":      {before: "persistentvolumeclaims", after: "statefulsets.apps"},
		"roles before bindings":                      {before: "roles.rbac.authorization.k8s.io", after: "rolebindings.rbac.authorization.k8s.io"},
		"accounts before pods":                       {before: "serviceaccounts", after: "deployments.apps"},
		"limits before pods":                         {before: "limitranges", after: "deployments.apps"},
		"configuration before pods":                  {before: "secrets", after: "jobs.batch"},
		"Services before their endpoints":            {before: "services", after: "endpointslices.discovery.k8s.io"},
		"operators before custom resources":          {before: "deployments.apps", after: "birds.example.com"},
		"everything that a quota counts before it":   {before: "services", after: "resourcequotas"},
		"custom resources before quotas":             {before: "birds.example.com", after: "resourcequotas"},
		"quotas before webhooks":                     {before: "resourcequotas", after: "validatingwebhookconfigurations.admissionregistration.k8s.io"},
		"definitions before webhooks":                {before: "customresourcedefinitions.apiextensions.k8s.io", after: "mutatingwebhookconfigurations.admissionregistration.k8s.io"},
		"endpoints before webhooks":                  {before: "endpoints", after: "mutatingwebhookconfigurations.admissionregistration.k8s.io"},
		"Services beside the configuration":          {before: "services", after: "configmaps", apart: true},
		"Services beside workloads":                  {before: "services", after: "deployments.apps", apart: true},
		"roles beside the configuration":             {before: "roles.rbac.authorization.k8s.io", after: "configmaps", apart: true},
		"definitions beside all that is built in":    {before: "customresourcedefinitions.apiextensions.k8s.io", after: "deployments.apps", apart: true},
		"Services of another group are custom ones":  {before: "deployments.apps", after: "services.serving.knative.dev"},
		"Ingresses, autoscalers, budgets: workloads": {before: "configmaps", after: "poddisruptionbudgets.policy"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := waveOf(schema.ParseGroupResource(test.before)), waveOf(schema.ParseGroupResource(test.after))
			if got := comesAfter(after, before); got == test.apart {
				t.Errorf("%s waits for %s: %t", test.after, test.before, got)
			}
			if test.apart && comesAfter(before, after) {
				t.Errorf("%s waits for %s", test.before, test.after)
			}
		})
	}
}

// work notes the entries in the order in which they are begun, and how many are under way.
type work struct {
	mu            sync.Mutex
	begun         []*entry
	running       int
	narrowRunning int
	mostNarrow    int
}

func (w *work) write(block func(*entry)) func(context.Context, *entry) func(context.Context) {
	return func(_ context.Context, e *entry) func(context.Context) {
		w.mu.Lock()
		w.begun = append(w.begun, e)
		w.running++
		if waves[e.wave].narrow {
			w.narrowRunning++
			w.mostNarrow = max(w.mostNarrow, w.narrowRunning)
		}
		w.mu.Unlock()
		block(e)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running--
		if waves[e.wave].narrow {
			w.narrowRunning--
		}
		e.done = true
		return nil
	}
}

func entriesOf(wave, n int) []*entry {
	var entries []*entry
	for range n {
		entries = append(entries, &entry{wave: wave, turn: wave})
	}
	return entries
}

func TestSchedulerKeepsTheOrder(t *testing.T) {
	owned, chained := entriesOf(waveConfiguration, 1)[0], entriesOf(waveConfiguration, 1)[0]
	workloads := entriesOf(waveWorkloads, 10)
	owned.needs, owned.turn = []*entry{workloads[9]}, waveWorkloads
	chained.needs, chained.turn = []*entry{owned}, waveWorkloads
	already := &entry{wave: waveNamespaces, turn: waveNamespaces, done: true}
	workloads[0].needs = []*entry{already}
	entries := slices.Concat([]*entry{already, chained, owned}, entriesOf(waveAdmission, 2), workloads, entriesOf(waveServices, 20),
		entriesOf(waveConfiguration, 40), entriesOf(waveNamespaces, 2), entriesOf(waveCustomResources, 5), entriesOf(waveQuotas, 1))
	w := &work{}
	newScheduler(entries, 2).run(t.Context(), 16, w.write(func(*entry) {}))
	if len(w.begun) != len(entries)-1 {
		t.Fatalf("wrote %d entries, want %d", len(w.begun), len(entries)-1)
	}
	position := map[*entry]int{}
	for i, e := range w.begun {
		position[e] = i
	}
	for _, e := range w.begun {
		for _, other := range w.begun {
			if comesAfter(e.turn, other.turn) && position[e] < position[other] {
				t.Errorf("an entry of wave %d was begun before one of wave %d", e.turn, other.turn)
			}
		}
		for _, needed := range e.needs {
			if needed != already && position[e] < position[needed] {
				t.Error("an entry was begun before what it needs")
			}
		}
	}
}

func TestSchedulerKeepsAllWorkersBusyAndServicesInTheirLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entries := slices.Concat(entriesOf(waveServices, 30), entriesOf(waveConfiguration, 40))
		w := &work{}
		steps := make(chan struct{})
		finished := make(chan struct{})
		go func() {
			newScheduler(entries, 2).run(t.Context(), 16, w.write(func(*entry) { <-steps }))
			close(finished)
		}()
		synctest.Wait()
		if w.running != 16 || w.narrowRunning != 2 {
			t.Errorf("%d writes under way, %d of Services, want 16 and 2", w.running, w.narrowRunning)
		}
		for len(w.begun) < len(entries) {
			steps <- struct{}{}
			synctest.Wait()
			left := slices.ContainsFunc(entries, func(e *entry) bool { return e.wave == waveConfiguration && !slices.Contains(w.begun, e) })
			if left && w.narrowRunning > 2 {
				t.Errorf("%d Services were written while others waited", w.narrowRunning)
			}
			if len(w.begun) < len(entries) && w.running != 16 {
				t.Errorf("%d writes under way, want 16", w.running)
			}
		}
		close(steps)
		<-finished
		if w.mostNarrow < 3 {
			t.Errorf("no more than %d Services at once, although there was nothing else to write", w.mostNarrow)
		}
	})
}

func TestSchedulerNeedsNoWorkerForAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		definitions, resource := entriesOf(waveDefinitions, 30), entriesOf(waveCustomResources, 1)[0]
		resource.needs = []*entry{definitions[7]}
		established := make(chan struct{})
		var written []*entry
		var mu sync.Mutex
		finished := make(chan struct{})
		go func() {
			newScheduler(append(definitions, resource), 2).run(t.Context(), 1, func(_ context.Context, e *entry) func(context.Context) {
				mu.Lock()
				defer mu.Unlock()
				written = append(written, e)
				if e.wave != waveDefinitions {
					return nil
				}
				return func(context.Context) { <-established }
			})
			close(finished)
		}()
		synctest.Wait()
		if len(written) != 30 {
			t.Errorf("one worker wrote %d definitions before the first was established, want 30", len(written))
		}
		close(established)
		<-finished
		if written[len(written)-1] != resource {
			t.Error("the custom resource did not come last")
		}
	})
}

func TestSchedulerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &work{}
	newScheduler(entriesOf(waveConfiguration, 1000), 2).run(ctx, 4, w.write(func(*entry) { cancel() }))
	if len(w.begun) > 4 {
		t.Errorf("%d entries were begun after the context had ended", len(w.begun)-4)
	}
}
