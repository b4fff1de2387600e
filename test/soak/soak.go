package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/objects"
)

const (
	// folder gets the results and the operator's log, relative to the checkout.
	folder = "build/soak"
	// objectsOfNamespace is how many objects each namespace has.
	objectsOfNamespace = 100
	// requestTimeout bounds each request of this program: a halted API server never answers.
	requestTimeout = 15 * time.Second
	// settleTimeout is how long pairs and Migrations may take to be well again once the clusters are.
	settleTimeout = 10 * time.Minute
	// settled is how long nothing must happen until samples count as idle, and idleAtLeast how long they then are taken.
	settled, idleAtLeast = 10 * time.Second, 20 * time.Second
)

// namespaces are migrated to namespaces of the same names.
var namespaces = []string{"soak-1", "soak-2", "soak-3", "soak-4"}

// place is a cluster with clients that reach it past the proxy.
type place struct {
	side
	client  client.Client
	dynamic dynamic.Interface
}

// soak is one run.
type soak struct {
	length time.Duration
	rounds int

	source, destination place
	faults              []fault
	course              course

	mu sync.Mutex
	// manager is the operator that runs.
	manager *localgodwit.Manager
	// ended counts Migrations by how they ended.
	ended map[string]int
	// wrong is what was not as it should be.
	wrong []string
}

// start starts two clusters behind proxies, fills the source, and starts the operator.
func (s *soak) start(ctx context.Context) error {
	if err := s.startClusters(ctx, localcluster.Options{}); err != nil {
		return err
	}
	s.faults = interleave(s.destination.side, s.source.side)
	if err := s.fill(ctx); err != nil {
		return err
	}
	if err := s.startManager(ctx, "godwit.log"); err != nil {
		return err
	}
	return s.pairAll(ctx)
}

// startClusters starts two clusters behind proxies; options are the source's.
func (s *soak) startClusters(ctx context.Context, options localcluster.Options) error {
	s.ended = map[string]int{}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	options.Name, options.Progress = "source", os.Stdout
	clusters, err := localcluster.StartAll(ctx, options, localcluster.Options{Name: "destination", Progress: os.Stdout})
	if err != nil {
		return err
	}
	for i, one := range []*place{&s.source, &s.destination} {
		if err := one.open([]string{"source", "destination"}[i], clusters[i]); err != nil {
			return err
		}
	}
	return localgodwit.InstallCRDs(s.source.cluster.Config(), ".")
}

// startManager starts the operator, which logs to a file of the folder.
func (s *soak) startManager(ctx context.Context, log string) error {
	kubeconfig, err := s.source.proxy.through(s.source.cluster.Kubeconfig())
	if err != nil {
		return err
	}
	manager, err := localgodwit.StartManager(ctx, "bin/godwit", kubeconfig, filepath.Join(folder, log))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manager = manager
	return nil
}

// running returns the operator that runs.
func (s *soak) running() *localgodwit.Manager {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manager
}

func (p *place) open(name string, cluster *localcluster.Cluster) (err error) {
	p.name, p.cluster = name, cluster
	config := cluster.Config()
	config.Timeout, config.QPS = requestTimeout, -1
	if p.proxy, err = newProxy(strings.TrimPrefix(config.Host, "https://")); err != nil {
		return err
	}
	if p.client, err = localgodwit.Client(config); err != nil {
		return err
	}
	p.dynamic, err = dynamic.NewForConfig(config)
	return err
}

func (s *soak) stop() error {
	var failures []error
	if manager := s.running(); manager != nil {
		failures = append(failures, manager.Stop())
	}
	for _, one := range []place{s.source, s.destination} {
		if one.proxy != nil {
			failures = append(failures, one.proxy.close())
		}
		if one.cluster != nil {
			failures = append(failures, one.cluster.Stop())
		}
	}
	return errors.Join(failures...)
}

// mix has kinds of Kubernetes and custom resources.
func mix() objects.Mix { return objects.Mixes["custom"] }

func (s *soak) fill(ctx context.Context) error {
	for _, namespace := range namespaces {
		if err := objects.Prepare(ctx, s.source.client, namespace, mix()); err != nil {
			return err
		}
		if err := objects.Create(ctx, s.source.dynamic, namespace, mix().Items(objectsOfNamespace), 4); err != nil {
			return err
		}
	}
	return nil
}

// run goes through all rounds. Each has a quiet time at its end, in which samples are taken that are compared later.
func (s *soak) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sampling sync.WaitGroup
	defer sampling.Wait()
	defer cancel()
	sampling.Go(func() { s.sampleAll(ctx) })
	began := time.Now()
	for number := range s.rounds {
		fmt.Printf("%s: round %d of %d: %s\n", time.Since(began).Round(time.Second), number+1, s.rounds, s.fault(number).name)
		if err := s.round(ctx, number); err != nil {
			return fmt.Errorf("round %d: %w", number+1, err)
		}
		end := began.Add(s.length / time.Duration(s.rounds) * time.Duration(number+1))
		if err := s.idle(ctx, number, max(idleAtLeast, time.Until(end)-settled)); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %s\n", time.Since(began).Round(time.Second), s.summary())
	return nil
}

func (s *soak) fault(number int) fault { return s.faults[number%len(s.faults)] }

// idle waits until all is well and then lets the samples of a round be taken.
func (s *soak) idle(ctx context.Context, number int, length time.Duration) error {
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	if err := pause(ctx, settled); err != nil {
		return err
	}
	s.course.begin(number)
	defer s.course.end()
	return pause(ctx, length)
}

// complain notes what was not as it should be.
func (s *soak) complain(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, arguments...))
	fmt.Println("  wrong:", s.wrong[len(s.wrong)-1])
}

func (s *soak) count(ending string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[ending]++
}

func (s *soak) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	var parts []string
	for _, ending := range slices.Sorted(maps.Keys(s.ended)) {
		total += s.ended[ending]
		parts = append(parts, fmt.Sprintf("%d %s", s.ended[ending], ending))
	}
	return fmt.Sprintf("%d Migrations ended: %s; %d things were wrong", total, strings.Join(parts, ", "), len(s.wrong))
}
