package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/figures"
)

const (
	// idleMigrations have ended, and idlePairs are Ready: one in each namespace, to the same cluster with the same credential.
	idleMigrations, idlePairs = 1000, 100
	// idleObjects is how many objects each of the Migrations tells of.
	idleObjects = 40
	// idleTime is how long requests are counted, longer than the time between two probes of a pair.
	idleTime = 2 * time.Minute
	// probeTimeAge is how old the operator lets lastProbeTime get.
	probeTimeAge = 10 * time.Minute
	// barIdle is in requests a second.
	barIdle = 1.0
)

// idle is the set-up of an operator that has nothing to do.
type idle struct {
	source, destination *localcluster.Cluster
	client              client.Client
	results             figures.Table
}

// measureIdle counts what an operator sends that has only finished Migrations and healthy ClusterPairs, from its start on.
func measureIdle(ctx context.Context) (found figures.Table, err error) {
	fmt.Printf("idle: starting two API servers and creating %d finished Migrations and %d ClusterPairs\n", idleMigrations, idlePairs)
	clusters, err := localgodwit.StartClusters(ctx, localcluster.Options{Progress: os.Stdout}, localcluster.Options{})
	if err != nil {
		return nil, err
	}
	i := &idle{source: clusters.Source, destination: clusters.Destination, client: clusters.Here}
	defer func() { err = errors.Join(err, clusters.Stop()) }()
	if err := i.prepare(ctx); err != nil {
		return nil, err
	}
	before, err := i.migrationRequests(ctx)
	if err != nil {
		return nil, err
	}
	if before < 2*idleMigrations {
		return nil, fmt.Errorf("the API server counted %g requests for Migrations, fewer than there were", before)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	manager, err := localgodwit.StartManager(ctx, "bin/godwit", i.source.Kubeconfig(), filepath.Join(folder, "idle.log"),
		"--leader-elect=true", "--leader-election-namespace="+metav1.NamespaceSystem)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, manager.Stop()) }()
	if err := i.waitReady(ctx); err != nil {
		return nil, err
	}
	if err := i.countRequests(ctx, manager); err != nil {
		return nil, err
	}
	after, err := i.migrationRequests(ctx)
	if err != nil {
		return nil, err
	}
	i.results.AtMost("idle/migrations/requests-besides-lists-and-watches", after-before, "requests", 0)
	return i.results, nil
}

func (i *idle) prepare(ctx context.Context) (err error) {
	if err := localgodwit.InstallCRDs(i.source.Config(), "."); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for n := range idlePairs {
		group.Go(func() error { return i.prepareNamespace(ctx, fmt.Sprintf("idle-%03d", n)) })
	}
	return group.Wait()
}

// prepareNamespace makes a namespace with a ClusterPair as storkctl makes it and its share of the Migrations.
func (i *idle) prepareNamespace(ctx context.Context, name string) error {
	meta := metav1.ObjectMeta{Namespace: name, Name: "remote"}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}},
		&corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"kubeconfig": i.destination.Kubeconfig()}},
		&storkv1alpha1.ClusterPair{ObjectMeta: meta, Spec: storkv1alpha1.ClusterPairSpec{
			KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: meta.Name}}},
	} {
		if err := i.client.Create(ctx, object); err != nil {
			return err
		}
	}
	for n := range idleMigrations / idlePairs {
		if err := i.finished(ctx, name, fmt.Sprintf("migration-%03d", n)); err != nil {
			return err
		}
	}
	return nil
}

// finished makes a Migration that has ended.
func (i *idle) finished(ctx context.Context, namespace, name string) error {
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Finalizers: []string{storkv1alpha1.FinalizerCleanup}},
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: []string{namespace}, IncludeVolumes: new(false)},
	}
	if err := i.client.Create(ctx, migration); err != nil {
		return err
	}
	now := metav1.Now()
	migration.Status = storkv1alpha1.MigrationStatus{
		Stage: storkv1alpha1.MigrationStageFinal, Status: storkv1alpha1.MigrationStatusSuccessful, StartTimestamp: &now, FinishTimestamp: &now,
	}
	for n := range idleObjects {
		migration.Status.Resources = append(migration.Status.Resources, &storkv1alpha1.MigrationResourceInfo{
			Kind: "ConfigMap", Namespace: namespace, Name: fmt.Sprintf("config-%05d", n), Version: "v1", Group: "core",
			Status: storkv1alpha1.MigrationStatusSuccessful, Action: "Created", Reason: "Resource migrated successfully",
		})
	}
	return i.client.Status().Update(ctx, migration)
}

// waitReady returns when all pairs are Ready and as they are after a long time: the times at which their probes were noted are
// spread evenly.
func (i *idle) waitReady(ctx context.Context) error {
	pairs := &storkv1alpha1.ClusterPairList{}
	err := wait.PollUntilContextTimeout(ctx, time.Second, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := i.client.List(ctx, pairs); err != nil {
			return false, err
		}
		for n := range pairs.Items {
			if pairs.Items[n].Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until all ClusterPairs are Ready: %w", err)
	}
	now := time.Now()
	for n := range pairs.Items {
		pair := &pairs.Items[n]
		before := pair.DeepCopy()
		pair.Status.LastProbeTime = &metav1.Time{Time: now.Add(-probeTimeAge * time.Duration(n) / idlePairs)}
		if err := i.client.Status().Patch(ctx, pair, client.MergeFrom(before)); err != nil {
			return err
		}
	}
	return nil
}

// countRequests counts what the operator sends to both sides: renewals of its lease, watches, probes, and notes of them.
func (i *idle) countRequests(ctx context.Context, manager *localgodwit.Manager) error {
	total := 0.0
	var before [2]float64
	sides := []*localcluster.Cluster{i.source, i.destination}
	for n, side := range sides {
		var err error
		if before[n], err = requests(ctx, manager.MetricsURL, side.Config().Host); err != nil {
			return err
		}
	}
	began := time.Now()
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	for n, side := range sides {
		after, err := requests(ctx, manager.MetricsURL, side.Config().Host)
		if err != nil {
			return err
		}
		rate := (after - before[n]) / time.Since(began).Seconds()
		i.results.Show([]string{"idle/source", "idle/destination"}[n], rate, "requests/s")
		total += rate
	}
	i.results.AtMost("idle/both", total, "requests/s", barIdle)
	return nil
}

// migrationRequests counts the requests for Migrations that the source has answered so far, lists and watches excepted.
func (i *idle) migrationRequests(ctx context.Context) (float64, error) {
	httpClient, err := rest.HTTPClientFor(i.source.Config())
	if err != nil {
		return 0, err
	}
	metrics, err := figures.Scrape(ctx, httpClient, i.source.Config().Host+"/metrics")
	if err != nil {
		return 0, err
	}
	labels := map[string]string{"group": storkv1alpha1.GroupName, "resource": "migrations"}
	n, err := metrics.Sum("apiserver_request_total", labels)
	if err != nil {
		return 0, err
	}
	for _, verb := range []string{"LIST", "WATCH"} {
		labels["verb"] = verb
		reads, err := metrics.Sum("apiserver_request_total", labels)
		if err != nil {
			return 0, err
		}
		n -= reads
	}
	return n, nil
}
