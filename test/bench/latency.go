package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/figures"
)

const (
	// latencySamples is how many Migrations are timed, one after the other, with and without finished ones.
	latencySamples = 50
	// latencyTime is how long one may take.
	latencyTime = 5 * time.Minute
	// barLatency is how long the operator may take to begin a Migration, or to end one of an empty namespace, beside finished ones:
	// a ratio to the same without them, both the median.
	barLatency = 1.5
)

// latency is the set-up of an operator that gets one small Migration after the other.
type latency struct {
	client  client.WithWatch
	results figures.Table
}

// measureLatency times Migrations of an empty namespace beside nothing else, and then beside finished ones.
func measureLatency(ctx context.Context) (found figures.Table, err error) {
	fmt.Printf("latency: starting two API servers and creating %d Migrations, %d of them finished\n", 2*latencySamples+idleMigrations, idleMigrations)
	clusters, err := localgodwit.StartClusters(ctx, localcluster.Options{Progress: os.Stdout}, localcluster.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, clusters.Stop()) }()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	if err := localgodwit.InstallCRDs(clusters.Source.Config(), "."); err != nil {
		return nil, err
	}
	manager, err := localgodwit.StartManager(ctx, "bin/godwit", clusters.Source.Kubeconfig(), filepath.Join(folder, "latency.log"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, manager.Stop()) }()
	if err := clusters.Here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, err
	}
	if err := localgodwit.Pair(ctx, clusters.Here, namespace, "remote", clusters.Destination.Kubeconfig(), nil); err != nil {
		return nil, err
	}
	l := &latency{client: clusters.Here}
	err = l.measure(ctx)
	return l.results, err
}

func (l *latency) measure(ctx context.Context) error {
	began, ended, err := l.sample(ctx, "alone")
	if err != nil {
		return err
	}
	if err := l.finished(ctx); err != nil {
		return err
	}
	begunBeside, endedBeside, err := l.sample(ctx, "beside")
	if err != nil {
		return err
	}
	l.results.Show("latency/begun/alone", began.Seconds(), "s")
	l.results.AtMost("latency/begun/beside-finished/of-alone", begunBeside.Seconds()/began.Seconds(), "ratio", barLatency)
	l.results.Show("latency/ended/alone", ended.Seconds(), "s")
	l.results.AtMost("latency/ended/beside-finished/of-alone", endedBeside.Seconds()/ended.Seconds(), "ratio", barLatency)
	return nil
}

// finished makes Migrations that have ended.
func (l *latency) finished(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for n := range idleMigrations {
		group.Go(func() error { return finished(ctx, l.client, namespace, fmt.Sprintf("finished-%04d", n)) })
	}
	return group.Wait()
}

// sample returns the medians of the times from the creation of a Migration until the operator has begun it and until it has ended.
func (l *latency) sample(ctx context.Context, name string) (begun, ended time.Duration, err error) {
	var allBegun, allEnded []time.Duration
	for n := range latencySamples {
		begun, ended, err := l.one(ctx, fmt.Sprintf("%s-%02d", name, n))
		if err != nil {
			return 0, 0, err
		}
		allBegun, allEnded = append(allBegun, begun), append(allEnded, ended)
	}
	slices.Sort(allBegun)
	slices.Sort(allEnded)
	return allBegun[latencySamples/2], allEnded[latencySamples/2], nil
}

// one times one Migration.
func (l *latency) one(ctx context.Context, name string) (begun, ended time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, latencyTime)
	defer cancel()
	changes, err := l.client.Watch(ctx, &storkv1alpha1.MigrationList{}, client.InNamespace(namespace), client.MatchingFields{"metadata.name": name})
	if err != nil {
		return 0, 0, err
	}
	defer changes.Stop()
	created := time.Now()
	err = l.client.Create(ctx, &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: []string{namespace}, IncludeVolumes: new(false)},
	})
	if err != nil {
		return 0, 0, err
	}
	for change := range changes.ResultChan() {
		migration, ok := change.Object.(*storkv1alpha1.Migration)
		if !ok {
			continue
		}
		if begun == 0 && migration.Status.Stage != storkv1alpha1.MigrationStageInitial {
			begun = time.Since(created)
		}
		if migration.Status.Stage != storkv1alpha1.MigrationStageFinal {
			continue
		}
		if migration.Status.Status != storkv1alpha1.MigrationStatusSuccessful {
			return 0, 0, fmt.Errorf("the Migration %s ended as %s", name, migration.Status.Status)
		}
		return begun, time.Since(created), nil
	}
	return 0, 0, fmt.Errorf("the Migration %s did not end within %s", name, latencyTime)
}
