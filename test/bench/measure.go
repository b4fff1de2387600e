package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/figures"
	"github.com/godwit-io/godwit/test/objects"
)

const (
	// namespace is where all objects are.
	namespace = "bench"
	// folder is where results are kept, relative to the checkout.
	folder = "build/bench"
	// workers is how many objects the bare client writes at once, as the operator does by default.
	workers = 16
	// largestCompared is the greatest number of objects that is compared with the floor. Beyond it, a run must complete.
	largestCompared = 10_000
)

// Bars. Ratios are of times within one run.
const (
	barFirst         = 1.3  // First run, of the floor.
	barUnchanged     = 0.15 // Unchanged run, of the first run.
	barMemory        = 300  // MiB at 10,000 objects.
	barMigrationSize = 100  // KiB at any number of objects.
	barRequests      = 1.05 // First run, of the number of objects, and 200 more.
	barRequestsMore  = 200
	barUnchangedReqs = 100
)

// bench is the set-up of one case: a source, a destination for the floor, and one for the operator, all fresh.
type bench struct {
	mix                        objects.Mix
	items                      []objects.Item
	source, floor, destination *localcluster.Cluster
	client                     client.WithWatch
	manager                    *localgodwit.Manager
	results                    figures.Table
	name                       string
}

// measure runs all cases of one mix and size.
func measure(ctx context.Context, mixName string, mix objects.Mix, n int) (found figures.Table, err error) {
	b := &bench{mix: mix, items: mix.Items(n), name: fmt.Sprintf("%s-%d", mixName, n)}
	fmt.Printf("%s: starting three API servers and creating %d objects at the source\n", b.name, len(b.items))
	stop, err := b.start(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return nil, err
	}
	var floor time.Duration
	if n <= largestCompared {
		if floor, err = b.measureFloor(ctx); err != nil {
			return nil, fmt.Errorf("measuring the floor: %w", err)
		}
		b.results.Show(b.name+"/floor", floor.Seconds(), "s")
	}
	if err := b.measureRuns(ctx, floor); err != nil {
		return b.results, err
	}
	return b.results, nil
}

func (b *bench) start(ctx context.Context) (stop func() error, err error) {
	clusters, err := localcluster.StartAll(ctx,
		localcluster.Options{Name: "source", Fsync: true, Progress: os.Stdout},
		localcluster.Options{Name: "floor", Fsync: true},
		localcluster.Options{Name: "destination", Fsync: true})
	if err != nil {
		return func() error { return nil }, err
	}
	stop = func() error {
		var failures []error
		if b.manager != nil {
			failures = append(failures, b.manager.Stop())
		}
		for _, cluster := range clusters {
			failures = append(failures, cluster.Stop())
		}
		return errors.Join(failures...)
	}
	b.source, b.floor, b.destination = clusters[0], clusters[1], clusters[2]
	if err := b.prepareSource(ctx); err != nil {
		return stop, err
	}
	return stop, b.startGodwit(ctx)
}

func (b *bench) prepareSource(ctx context.Context) error {
	if err := prepareNamespace(ctx, b.source.Config(), b.mix); err != nil {
		return err
	}
	dynamicClient, err := bare(b.source.Config())
	if err != nil {
		return err
	}
	return objects.Create(ctx, dynamicClient, namespace, b.items, workers)
}

// prepareNamespace creates what the objects of a mix need.
func prepareNamespace(ctx context.Context, config *rest.Config, mix objects.Mix) error {
	c, err := localgodwit.Client(config)
	if err != nil {
		return err
	}
	return objects.Prepare(ctx, c, namespace, mix)
}

func (b *bench) startGodwit(ctx context.Context) (err error) {
	if err := localgodwit.InstallCRDs(b.source.Config(), "."); err != nil {
		return err
	}
	if b.client, err = localgodwit.Client(b.source.Config()); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	log := filepath.Join(folder, b.name+".log")
	if b.manager, err = localgodwit.StartManager(ctx, "bin/godwit", b.source.Kubeconfig(), log); err != nil {
		return err
	}
	return localgodwit.Pair(ctx, b.client, namespace, "destination", b.destination.Kubeconfig(), nil)
}

// bare returns the client that the floor is measured with.
func bare(config *rest.Config) (*dynamic.DynamicClient, error) {
	config.QPS = -1
	return dynamic.NewForConfig(config)
}

// measureFloor lists both sides in pages and creates all objects at a fresh destination, their namespace and definitions included:
// a Migration brings these too.
func (b *bench) measureFloor(ctx context.Context) (time.Duration, error) {
	source, err := bare(b.source.Config())
	if err != nil {
		return 0, err
	}
	floor, err := bare(b.floor.Config())
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := prepareNamespace(ctx, b.floor.Config(), b.mix); err != nil {
		return 0, err
	}
	for _, c := range []dynamic.Interface{source, floor} {
		if _, err := list(ctx, c, b.mix); err != nil {
			return 0, err
		}
	}
	if err := objects.Create(ctx, floor, namespace, b.items, workers); err != nil {
		return 0, err
	}
	elapsed := time.Since(began)
	// The destination of the floor must not take the processor from what is measured next.
	return elapsed, b.floor.Stop()
}

func (b *bench) measureRuns(ctx context.Context, floor time.Duration) error {
	destination, err := bare(b.destination.Config())
	if err != nil {
		return err
	}
	n := float64(len(b.items))
	first, err := b.migrate(ctx, "first", len(b.items))
	if err != nil {
		return err
	}
	if floor > 0 {
		b.results.AtMost(b.name+"/first", first.elapsed.Seconds(), "s", barFirst*floor.Seconds())
		b.results.AtMost(b.name+"/first/of-floor", first.elapsed.Seconds()/floor.Seconds(), "ratio", barFirst)
	} else {
		b.results.Show(b.name+"/first", first.elapsed.Seconds(), "s")
	}
	b.results.AtMost(b.name+"/first/requests", first.requests, "requests", barRequests*n+barRequestsMore)
	if err := b.measureRepeats(ctx, destination, first); err != nil {
		return err
	}
	peak, err := figures.PeakMemory(b.manager.PID())
	if err != nil {
		return err
	}
	if len(b.items) <= largestCompared {
		b.results.AtMost(b.name+"/manager/peak-memory", peak, "MiB", barMemory)
	} else {
		b.results.Show(b.name+"/manager/peak-memory", peak, "MiB")
	}
	return nil
}

// measureRepeats runs the same Migration again: with nothing changed, and with one object in a hundred changed.
func (b *bench) measureRepeats(ctx context.Context, destination dynamic.Interface, first outcome) error {
	before, err := list(ctx, destination, b.mix)
	if err != nil {
		return err
	}
	unchanged, err := b.migrateUnchanged(ctx)
	if err != nil {
		return err
	}
	after, err := list(ctx, destination, b.mix)
	if err != nil {
		return err
	}
	b.results.AtMost(b.name+"/unchanged/of-first", unchanged.elapsed.Seconds()/first.elapsed.Seconds(), "ratio", barUnchanged)
	b.results.AtMost(b.name+"/unchanged/written", float64(differing(before, after)), "objects", 0)
	if len(b.items) <= largestCompared {
		b.results.AtMost(b.name+"/unchanged/requests", unchanged.requests, "requests", barUnchangedReqs)
	}
	changed, err := b.change(ctx)
	if err != nil {
		return err
	}
	one, err := b.migrate(ctx, "one-percent", len(b.items))
	if err != nil {
		return err
	}
	final, err := list(ctx, destination, b.mix)
	if err != nil {
		return err
	}
	b.results.Show(b.name+"/one-percent", one.elapsed.Seconds(), "s")
	b.results.AtMost(b.name+"/one-percent/written-besides", float64(abs(differing(after, final)-changed)), "objects", 0)
	b.results.AtMost(b.name+"/one-percent/new-uids", float64(recreated(after, final)), "objects", 0)
	b.results.AtMost(b.name+"/migration-object", max(first.size, unchanged.size, one.size)/1024, "KiB", barMigrationSize)
	return nil
}

// unchangedRuns is how often nothing is migrated: such a run is so short that whatever else the machine does counts.
const unchangedRuns = 3

// migrateUnchanged returns the median of several runs that have nothing to write.
func (b *bench) migrateUnchanged(ctx context.Context) (outcome, error) {
	var runs []outcome
	for i := range unchangedRuns {
		one, err := b.migrate(ctx, fmt.Sprintf("unchanged-%d", i+1), len(b.items))
		if err != nil {
			return outcome{}, err
		}
		runs = append(runs, one)
	}
	slices.SortFunc(runs, func(a, b outcome) int { return cmp.Compare(a.elapsed, b.elapsed) })
	return runs[unchangedRuns/2], nil
}

// change changes one object in a hundred at the source.
func (b *bench) change(ctx context.Context) (int, error) {
	source, err := bare(b.source.Config())
	if err != nil {
		return 0, err
	}
	changed := len(b.items) / 100
	for i := range changed {
		patch := fmt.Appendf(nil, `{"data":{"content":"changed %d"}}`, i)
		_, err := source.Resource(objects.ConfigMaps.Resource).Namespace(namespace).
			Patch(ctx, fmt.Sprintf("config-%05d", i), types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			return 0, err
		}
	}
	return changed, nil
}

// outcome is what one Migration took.
type outcome struct {
	elapsed  time.Duration
	requests float64
	size     float64
}

// migrate measures one Migration from the creation of the object to the event that shows it Final.
func (b *bench) migrate(ctx context.Context, name string, want int) (outcome, error) {
	host := b.destination.Config().Host
	requestsBefore, err := requests(ctx, b.manager.MetricsURL, host)
	if err != nil {
		return outcome{}, err
	}
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: storkv1alpha1.MigrationSpec{
			ClusterPair: "destination", Namespaces: []string{namespace}, IncludeVolumes: new(false),
		},
	}
	watch, err := b.client.Watch(ctx, &storkv1alpha1.MigrationList{}, client.InNamespace(namespace))
	if err != nil {
		return outcome{}, err
	}
	defer watch.Stop()
	began := time.Now()
	if err := b.client.Create(ctx, migration); err != nil {
		return outcome{}, err
	}
	for event := range watch.ResultChan() {
		seen, ok := event.Object.(*storkv1alpha1.Migration)
		if !ok || seen.Name != name || seen.Status.Stage != storkv1alpha1.MigrationStageFinal {
			continue
		}
		return b.outcome(ctx, seen, time.Since(began), requestsBefore, want)
	}
	return outcome{}, errors.Join(errors.New("the watch on Migrations ended"), ctx.Err())
}

func (b *bench) outcome(ctx context.Context, migration *storkv1alpha1.Migration, elapsed time.Duration, before float64, want int) (outcome, error) {
	if migration.Status.Status != storkv1alpha1.MigrationStatusSuccessful || migration.Status.Summary.NumberOfMigratedResources < uint64(want) {
		return outcome{}, fmt.Errorf("migration %s ended as %s, %+v", migration.Name, migration.Status.Status, migration.Status.Conditions)
	}
	after, err := requests(ctx, b.manager.MetricsURL, b.destination.Config().Host)
	if err != nil {
		return outcome{}, err
	}
	encoded, err := json.Marshal(migration)
	if err != nil {
		return outcome{}, err
	}
	fmt.Printf("%s: %s in %s: %s\n", b.name, migration.Name, elapsed.Round(time.Millisecond), summary(migration))
	return outcome{elapsed: elapsed, requests: after - before, size: float64(len(encoded))}, nil
}

func summary(migration *storkv1alpha1.Migration) string {
	for _, condition := range migration.Status.Conditions {
		if condition.Type == storkv1alpha1.ConditionSucceeded {
			return condition.Message
		}
	}
	return ""
}

// requests reads from the operator's metrics how many requests it has sent to an API server.
func requests(ctx context.Context, metricsURL, server string) (float64, error) {
	parsed, err := url.Parse(server)
	if err != nil {
		return 0, err
	}
	metrics, err := figures.Scrape(ctx, http.DefaultClient, metricsURL)
	if err != nil {
		return 0, err
	}
	return metrics.Sum("rest_client_requests_total", map[string]string{"host": parsed.Host})
}
