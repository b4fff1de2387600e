package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/godwit-io/godwit/internal/activation"
	"github.com/godwit-io/godwit/internal/controller/action"
	"github.com/godwit-io/godwit/internal/controller/clusterpair"
	"github.com/godwit-io/godwit/internal/controller/defaults"
	"github.com/godwit-io/godwit/internal/controller/migration"
	"github.com/godwit-io/godwit/internal/controller/migrationschedule"
	"github.com/godwit-io/godwit/internal/controller/resourcetransformation"
	"github.com/godwit-io/godwit/internal/failover"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/schedule"
)

// concurrentReconciles is how many objects of a kind are reconciled at once. What takes long runs beside.
const concurrentReconciles = 10

// operatorName is who events are from, and the prefix of the user agent.
const operatorName = "godwit"

// served reads the cluster that the operator serves past the cache, and without a client-side throttle: the API server's
// priority and fairness does that better.
type served struct {
	dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterface
	rules     *rule.Runner
}

func newServed(restConfig *rest.Config, clock clock.WithTickerAndDelayedExecution) (*served, error) {
	unthrottled := rest.CopyConfig(restConfig)
	unthrottled.QPS = -1
	unthrottled.DisableCompression = true          // Its API server is near: compressing lists costs more time than it saves.
	unthrottled.WarningHandler = rest.NoWarnings{} // Deprecated kinds are migrated all the same.
	httpClient, err := rest.HTTPClientFor(unthrottled)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := remote.NewDynamic(unthrottled, httpClient)
	if err != nil {
		return nil, err
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(unthrottled)
	if err != nil {
		return nil, err
	}
	rules, err := rule.NewRunner(unthrottled, clock, rule.Options{})
	return &served{dynamic: dynamicClient, discovery: discoveryClient, rules: rules}, err
}

// setupControllers puts the parts of the operator together.
func setupControllers(ctx context.Context, mgr ctrl.Manager, flags *managerFlags) error {
	clock := clock.RealClock{}
	source, err := newServed(mgr.GetConfig(), clock)
	if err != nil {
		return err
	}
	clusters := remote.NewPool(mgr.GetAPIReader(), remote.Options{
		Policy:         flags.kubeconfigPolicy(),
		SecretVersions: mgr.GetClient(),
		UserAgent:      operatorName + "/" + version,
	})
	scheduling, err := flags.schedulingOptions()
	if err != nil {
		return err
	}
	drivers, err := newDrivers(mgr, clock)
	if err != nil {
		return err
	}
	recorder := mgr.GetEventRecorder(operatorName)
	options := controller.Options{MaxConcurrentReconciles: concurrentReconciles}

	pairs := &clusterpair.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clusters: clusters, Drivers: drivers, Recorder: recorder, Clock: clock,
		Options: clusterpair.Options{AdminNamespace: flags.adminNamespace},
	}
	if err := pairs.SetupWithManager(ctx, mgr, metrics.Registry, options); err != nil {
		return err
	}
	migrations := &migration.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clusters: clusters, Volumes: drivers, Rules: source.rules,
		Source:   migration.Source{Dynamic: source.dynamic, Discovery: source.discovery},
		Recorder: recorder, Clock: clock, Options: flags.migrationOptions(),
	}
	if err := migrations.SetupWithManager(mgr, metrics.Registry, options); err != nil {
		return err
	}
	transformations := &resourcetransformation.Reconciler{
		Client: mgr.GetClient(), Dynamic: source.dynamic, Mapper: mgr.GetRESTMapper(), Recorder: recorder, Clock: clock,
	}
	if err := transformations.SetupWithManager(mgr, options); err != nil {
		return err
	}
	schedules := &migrationschedule.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clusters: clusters, Recorder: recorder, Clock: clock, Options: scheduling,
	}
	if err := schedules.SetupWithManager(ctx, mgr, metrics.Registry, options); err != nil {
		return err
	}
	actions := newActions(mgr, clusters, source, clock, flags)
	if err := actions.SetupWithManager(mgr, options); err != nil {
		return err
	}
	return mgr.Add(&defaults.Installer{
		Client: mgr.GetClient(), AdminNamespace: flags.adminNamespace, DeployNamespace: os.Getenv("POD_NAMESPACE"),
	})
}

// newActions fails over and back, by clients of its own for this cluster.
func newActions(mgr ctrl.Manager, clusters *remote.Pool, source *served, clock clock.Clock, flags *managerFlags) *action.Reconciler {
	return &action.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder(operatorName),
		Guide: &failover.Guide{
			Clusters: &action.Clusters{
				Reader: mgr.GetClient(), Pool: clusters, Here: activation.Cluster{Dynamic: source.dynamic, Discovery: source.discovery},
			},
			Clock: clock, Options: flags.failoverOptions(),
		},
	}
}

func (f *managerFlags) kubeconfigPolicy() remote.Policy {
	return remote.Policy{AllowedExecCommands: f.allowedExecCommands, AllowFiles: f.allowKubeconfigFiles}
}

func (f *managerFlags) migrationOptions() migration.Options {
	return migration.Options{
		AdminNamespace:  f.adminNamespace,
		PendingDeadline: f.pendingDeadline,
		RunDeadline:     f.runDeadline,
		MaxRuns:         f.maxRuns,
		Writers:         f.writers,
	}
}

func (f *managerFlags) schedulingOptions() (migrationschedule.Options, error) {
	zone, err := schedule.ParseZone(f.timeZone)
	if err != nil {
		return migrationschedule.Options{}, fmt.Errorf("--time-zone %q: %w", f.timeZone, err)
	}
	if f.scheduleCatchUp < 0 {
		return migrationschedule.Options{}, fmt.Errorf("--schedule-catch-up %s is negative: write how late a run may start, or 0 to make up for none", f.scheduleCatchUp)
	}
	return migrationschedule.Options{AdminNamespace: f.adminNamespace, CatchUp: f.scheduleCatchUp, Zone: zone}, nil
}

// failoverOptions let an Action wait for a Migration as long as that may take.
func (f *managerFlags) failoverOptions() failover.Options {
	return failover.Options{
		AdminNamespace:   f.adminNamespace,
		Patience:         f.sourceTimeout,
		PodsTimeout:      f.podsTimeout,
		MigrationTimeout: f.pendingDeadline + f.runDeadline,
	}
}
