package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
)

// Clients write to the destination. They should not throttle themselves: the engine bounds what is in flight and heeds the
// server's 429.
type Clients struct {
	// Namespaced is the pair's own client.
	Namespaced dynamic.Interface
	// Cluster is the administrator's: Namespaces, CustomResourceDefinitions and other cluster-scoped objects,
	// PersistentVolumes and their claims are written by it. Nil means Namespaced.
	Cluster dynamic.Interface
	// Metadata looks for objects to purge, without their contents. Nil has them listed in full.
	Metadata metadata.Interface
}

// Options tune the engine. The zero value of each field stands for its default.
type Options struct {
	// Workers is how many writes are in flight at once; 16 by default, beyond which throughput hardly grows.
	Workers int
	// ServiceWorkers is how many of the Workers may write Services at once while there is anything else to write; 2 by default.
	// Creating a Service costs the server time in proportion to the number of Services that it has, so more would only hold up
	// everything else.
	ServiceWorkers int
	// PageSize is the number of objects in a page of a LIST; 500 by default.
	PageSize int64
	// FieldManager owns the fields that are written; "godwit" by default. A different name leaves the fields of objects
	// written before unowned.
	FieldManager string
	// Clock is the real one by default.
	Clock clock.Clock
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = 16
	}
	if o.ServiceWorkers <= 0 {
		o.ServiceWorkers = 2
	}
	if o.PageSize <= 0 {
		o.PageSize = 500
	}
	if o.FieldManager == "" {
		o.FieldManager = "godwit"
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	return o
}

// Engine brings plans to one destination. It keeps nothing between runs and may run several plans at once.
type Engine struct {
	clients Clients
	options Options
}

// New returns an Engine that writes by the clients.
func New(clients Clients, options Options) *Engine {
	if clients.Cluster == nil {
		clients.Cluster = clients.Namespaced
	}
	return &Engine{clients: clients, options: options.withDefaults()}
}

// ErrNotBrought is in the result of an object that the run did not come to, because it was stopped before.
var ErrNotBrought = errors.New("not brought, the run ended before")

// Run brings the plan to the destination and takes the plan's objects over: an Item's Object is nil once it was dealt with.
// progress, if not nil, is called with counts at most once a second and at the end, never by two goroutines at once.
//
// What went wrong with an object is in its Result. The error tells that ctx ended, or that the destination never answered; the
// report is complete even then, with ErrNotBrought for the objects that were not come to.
func (e *Engine) Run(ctx context.Context, plan Plan, progress func(Progress)) (*Report, error) {
	r := newRun(e, plan, progress)
	log := logr.FromContextOrDiscard(ctx)
	log.V(1).Info("Bringing objects to the destination", "objects", len(plan.Items))
	r.read(ctx)
	r.writeAll(ctx)
	r.adoptEarly(ctx)
	r.purge.purgeAll(ctx)
	report := r.report(ctx)
	log.V(1).Info("Brought objects to the destination", "objects", len(plan.Items), "failed", r.counts.failed())
	if err := ctx.Err(); err != nil {
		return report, fmt.Errorf("bringing objects to the destination: %w", context.Cause(ctx))
	}
	if len(r.entries) > 0 && !r.destination.retry.answered() {
		return report, fmt.Errorf("bringing objects to the destination: %w", errUnreachable)
	}
	return report, nil
}

// run is one plan on its way.
type run struct {
	destination *destination
	options     Options
	provenance  Provenance
	entries     []*entry
	byName      map[objectName]*entry
	// namespaces at the destination that the plan brings objects to.
	namespaces map[string]bool
	purge      *purge
	notices    *notices
	counts     *counts
	leaving    patience
}

func newRun(e *Engine, plan Plan, progress func(Progress)) *run {
	r := &run{
		destination: newDestination(e.clients, e.options),
		options:     e.options,
		provenance:  plan.Provenance,
		byName:      make(map[objectName]*entry, len(plan.Items)),
		namespaces:  map[string]bool{},
		notices:     &notices{byText: map[string]*notice{}},
		counts:      newCounts(e.options.Clock, len(plan.Items), progress),
	}
	r.purge = newPurge(r, plan.Purge)
	r.index(plan.Items)
	return r
}
