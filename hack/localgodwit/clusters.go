package localgodwit

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
)

// Clusters are two that run: one for the operator, and one to which it brings objects.
type Clusters struct {
	Source, Destination *localcluster.Cluster
	// Here is a client of the source and There one of the destination. Both may do everything.
	Here, There client.WithWatch
}

// StartClusters starts both clusters, whose names it sets, and meanwhile does other work, such as building the operator. When
// anything of that fails, it stops what runs and returns the first error.
func StartClusters(
	ctx context.Context, source, destination localcluster.Options, meanwhile ...func(context.Context) error,
) (*Clusters, error) {
	source.Name, destination.Name = "source", "destination"
	var started []*localcluster.Cluster
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		started, err = localcluster.StartAll(groupCtx, source, destination)
		return err
	})
	for _, work := range meanwhile {
		group.Go(func() error { return work(groupCtx) })
	}
	err := group.Wait()
	if started == nil {
		return nil, err
	}
	c := &Clusters{Source: started[0], Destination: started[1]}
	if err == nil {
		err = c.connect()
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Clusters) connect() (err error) {
	if c.Here, err = Client(c.Source.Config()); err != nil {
		return err
	}
	c.There, err = Client(c.Destination.Config())
	return err
}

// Stop stops both clusters.
func (c *Clusters) Stop() error { return errors.Join(c.Source.Stop(), c.Destination.Stop()) }
