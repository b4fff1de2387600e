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
	rbacv1 "k8s.io/api/rbac/v1"
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
	// idleMigrations have ended, and idlePairs are Ready: one in each namespace, to the same cluster.
	idleMigrations, idlePairs = 1000, 100
	// idleObjects is how many objects each of the Migrations tells of.
	idleObjects = 40
	// sharedTime is how long requests are counted where all pairs have the same credential, longer than the time between two probes
	// of a pair. ownTime is that where each has its own: longer than the time after which each is shown to the other cluster again.
	sharedTime, ownTime = 2 * time.Minute, 12 * time.Minute
	// rulesTime is how often the operator asks at least what each credential may do.
	rulesTime = time.Hour * 4 / 5
	// probeTimeAge is how old the operator lets lastProbeTime get.
	probeTimeAge = 10 * time.Minute
	// barIdle is in requests a second.
	barIdle = 1.0
)

// idle is the set-up of an operator that has nothing to do.
type idle struct {
	// name of the case.
	name                string
	source, destination *localcluster.Cluster
	client, there       client.Client
	// credential returns what the pair of a namespace leads to the destination with.
	credential func(ctx context.Context, namespace string) ([]byte, error)
	// time is how long requests are counted.
	time    time.Duration
	results figures.Table
}

// measureIdle counts what an operator sends that has only finished Migrations and healthy ClusterPairs, from its start on. Either all
// pairs have the credential of an administrator, or each has its own, of a tenant who may write to his namespace only.
func measureIdle(ctx context.Context, name string, tenants bool) (found figures.Table, err error) {
	fmt.Printf("%s: starting two API servers and creating %d finished Migrations and %d ClusterPairs\n", name, idleMigrations, idlePairs)
	clusters, err := localgodwit.StartClusters(ctx, localcluster.Options{Progress: os.Stdout}, localcluster.Options{})
	if err != nil {
		return nil, err
	}
	i := &idle{name: name, source: clusters.Source, destination: clusters.Destination, client: clusters.Here, there: clusters.There}
	i.credential, i.time = i.administrator, sharedTime
	if tenants {
		i.credential, i.time = i.tenant, ownTime
	}
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
	manager, err := localgodwit.StartManager(ctx, "bin/godwit", i.source.Kubeconfig(), filepath.Join(folder, name+".log"),
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
	i.results.AtMost(name+"/migrations/requests-besides-lists-and-watches", after-before, "requests", 0)
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
	kubeconfig, err := i.credential(ctx, name)
	if err != nil {
		return err
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}},
		&corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"kubeconfig": kubeconfig}},
		&storkv1alpha1.ClusterPair{ObjectMeta: meta, Spec: storkv1alpha1.ClusterPairSpec{
			KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: meta.Name}}},
	} {
		if err := i.client.Create(ctx, object); err != nil {
			return err
		}
	}
	for n := range idleMigrations / idlePairs {
		if err := finished(ctx, i.client, name, fmt.Sprintf("migration-%03d", n)); err != nil {
			return err
		}
	}
	return nil
}

func (i *idle) administrator(context.Context, string) ([]byte, error) {
	return i.destination.Kubeconfig(), nil
}

// tenant makes a user of the destination who may write to one namespace, as much as a pair has to.
func (i *idle) tenant(ctx context.Context, namespace string) ([]byte, error) {
	user := "tenant-of-" + namespace
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		},
	} {
		if err := i.there.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	return i.destination.UserKubeconfig(user)
}

// finished makes a Migration that has ended.
func finished(ctx context.Context, c client.Client, namespace, name string) error {
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Finalizers: []string{storkv1alpha1.FinalizerCleanup}},
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: []string{namespace}, IncludeVolumes: new(false)},
	}
	if err := c.Create(ctx, migration); err != nil {
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
	return c.Status().Update(ctx, migration)
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

// countRequests counts what the operator sends to both sides: renewals of its lease, watches, probes, and notes of them. What it asked
// before about permissions, which it asks again too seldom to be counted, is added.
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
	case <-time.After(i.time):
	case <-ctx.Done():
		return ctx.Err()
	}
	for n, side := range sides {
		after, err := requests(ctx, manager.MetricsURL, side.Config().Host)
		if err != nil {
			return err
		}
		rate := (after - before[n]) / time.Since(began).Seconds()
		i.results.Show(i.name+[]string{"/source", "/destination"}[n], rate, "requests/s")
		total += rate
	}
	rules, err := answered(ctx, i.destination, "authorization.k8s.io", "selfsubjectrulesreviews", "POST")
	if err != nil {
		return err
	}
	i.results.Show(i.name+"/permissions", rules/rulesTime.Seconds(), "requests/s")
	total += rules / rulesTime.Seconds()
	i.results.AtMost(i.name+"/both", total, "requests/s", barIdle)
	return nil
}

// migrationRequests counts the requests for Migrations that the source has answered so far, lists and watches excepted.
func (i *idle) migrationRequests(ctx context.Context) (float64, error) {
	total := 0.0
	for verb, sign := range map[string]float64{"": 1, "LIST": -1, "WATCH": -1} {
		n, err := answered(ctx, i.source, storkv1alpha1.GroupName, "migrations", verb)
		if err != nil {
			return 0, err
		}
		total += sign * n
	}
	return total, nil
}

// answered counts the requests that an API server has answered so far. No verb means all.
func answered(ctx context.Context, cluster *localcluster.Cluster, group, resource, verb string) (float64, error) {
	httpClient, err := rest.HTTPClientFor(cluster.Config())
	if err != nil {
		return 0, err
	}
	metrics, err := figures.Scrape(ctx, httpClient, cluster.Config().Host+"/metrics")
	if err != nil {
		return 0, err
	}
	labels := map[string]string{"group": group, "resource": resource}
	if verb != "" {
		labels["verb"] = verb
	}
	return metrics.Sum("apiserver_request_total", labels)
}
