package apply

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// compareTargets orders objects by wave, kind, namespace and name.
func compareTargets(a, b target) int {
	return cmp.Or(
		cmp.Compare(waveOf(a.resource.GroupResource()), waveOf(b.resource.GroupResource())),
		cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.resource.Group, b.resource.Group),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// report tells what became of all objects: those of the plan in the order of the waves, then those that were purged.
func (r *run) report(ctx context.Context) *Report {
	for _, e := range r.entries {
		if !e.done {
			r.settle(e, "", fmt.Errorf("%s: %w", e.target, notBrought(ctx)))
		}
	}
	slices.SortStableFunc(r.entries, func(a, b *entry) int { return compareTargets(a.target, b.target) })
	report := &Report{Results: make([]Result, 0, len(r.entries)), Notices: r.notices.texts()}
	for _, e := range r.entries {
		report.Results = append(report.Results, Result{
			Kind:                 e.item.SourceKind,
			Source:               e.item.Source,
			DestinationNamespace: e.target.Namespace,
			Action:               e.action,
			Err:                  e.err,
			Changes:              e.item.Changes,
			TransformedBy:        e.item.TransformedBy,
		})
	}
	slices.Reverse(r.purge.candidates) // They were deleted last first.
	for _, c := range r.purge.candidates {
		if c.gone || c.err != nil {
			report.Results = append(report.Results, r.purge.result(c))
		}
	}
	r.counts.end()
	return report
}

func notBrought(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrNotBrought, context.Cause(ctx))
	}
	return ErrNotBrought
}

func (p *purge) result(c *candidate) Result {
	result := Result{
		Kind:                 c.kind.Kind,
		Source:               types.NamespacedName{Namespace: p.Namespaces[c.target.Namespace], Name: c.target.Name},
		DestinationNamespace: c.target.Namespace,
		Err:                  c.err,
	}
	if c.gone {
		result.Action = ActionPurged
	}
	return result
}

// maxNotices bounds the notices of a run: their texts may differ from object to object.
const maxNotices = 50

// notices gathers what was done differently on purpose; what happened to many objects is told once.
type notices struct {
	mu     sync.Mutex
	byText map[string]*notice
	left   int
}

type notice struct {
	count int
	// first object in the order of names, so that two runs say the same.
	first string
}

// add notes that something happened to an object; to none in particular if the target is empty.
func (n *notices) add(text string, t target) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := n.byText[text]
	if found == nil && len(n.byText) >= maxNotices {
		n.left++
		return
	}
	if found == nil {
		found = &notice{}
		n.byText[text] = found
	}
	if t.Name == "" {
		return
	}
	found.count++
	if name := t.String(); found.first == "" || name < found.first {
		found.first = name
	}
}

func (n *notices) texts() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var texts []string
	for _, text := range slices.Sorted(maps.Keys(n.byText)) {
		switch found := n.byText[text]; found.count {
		case 0:
			texts = append(texts, text)
		case 1:
			texts = append(texts, fmt.Sprintf("%s (%s)", text, found.first))
		default:
			texts = append(texts, fmt.Sprintf("%s (%d objects, for example %s)", text, found.count, found.first))
		}
	}
	if n.left > 0 {
		texts = append(texts, fmt.Sprintf("%d more notices were left out", n.left))
	}
	return texts
}

// progressInterval is how often progress is told at most.
const progressInterval = time.Second

// counts counts the objects dealt with, and tells it to the caller of the run.
type counts struct {
	clock clock.PassiveClock
	tell  func(Progress)

	mu   sync.Mutex
	now  Progress
	told time.Time
	// telling is set while the caller is told, which must not hold up the workers.
	telling bool
}

func newCounts(c clock.PassiveClock, total int, tell func(Progress)) *counts {
	return &counts{clock: c, tell: tell, now: Progress{Total: total}, told: c.Now()}
}

// done counts an object.
func (c *counts) done(failed bool) {
	now, due := c.count(failed)
	if !due {
		return
	}
	c.tell(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.telling = false
}

func (c *counts) count(failed bool) (now Progress, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Done++
	if failed {
		c.now.Failed++
	}
	at := c.clock.Now()
	if c.tell == nil || c.telling || at.Sub(c.told) < progressInterval {
		return Progress{}, false
	}
	c.told, c.telling = at, true
	return c.now, true
}

// end tells the last state. All objects were dealt with, so nobody else is telling.
func (c *counts) end() {
	if c.tell != nil {
		c.tell(c.now)
	}
}

func (c *counts) failed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.Failed
}
