package inventory

import (
	"context"

	"k8s.io/client-go/dynamic"
)

// defaultParallel is how many lists are read at once: few enough for the fair queues of an API server, enough to hide its latency.
const defaultParallel = 8

// Collector finds what belongs to a migration. It may be used by several goroutines and any number of times, as long as the
// clusters serve the same.
type Collector struct {
	// Client reads the source.
	Client dynamic.Interface
	// Source and Destination are what the clusters serve. Where nothing is known of the destination, the source decides on the
	// versions.
	Source, Destination Served
	// PageSize is how many objects a page of a list has; zero means 500.
	PageSize int64
	// Parallel is how many lists are read at once; zero means 8.
	Parallel int
}

// Collect reads each kind once and returns what belongs to the migration. A kind that may not be read, or that is served no more,
// is left out with a notice; any other failure to read is an error that names the kind. An object that is deleted meanwhile may be
// in the set or not.
func (c *Collector) Collect(ctx context.Context, request Request) (*Set, error) {
	if len(request.Namespaces) == 0 {
		return &Set{}, nil
	}
	r, err := newRun(c, request)
	if err != nil {
		return nil, err
	}
	if err := r.readFirst(ctx); err != nil {
		return nil, err
	}
	r.plan()
	if err := r.readAll(ctx); err != nil {
		return nil, err
	}
	return r.choose(), nil
}
