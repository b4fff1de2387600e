package main

import (
	"context"
	"flag"
	"fmt"
	"time"
	_ "time/tzdata" // The image has no time zones.

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
	"github.com/godwit-io/godwit/internal/remote"
)

// managerFlags are the flags of `godwit manager`.
type managerFlags struct {
	adminNamespace          string
	healthAddress           string
	metricsAddress          string
	metricsSecure           bool
	metricsCertDir          string
	webhookAddress          string
	webhookConfiguration    string
	authorizeRequesters     bool
	leaderElect             bool
	leaderElectionNamespace string
	allowedExecCommands     []string
	allowKubeconfigFiles    bool
	pendingDeadline         time.Duration
	runDeadline             time.Duration
	maxRuns                 int
	writers                 int
	scheduleCatchUp         time.Duration
	timeZone                string
	sourceTimeout           time.Duration
	podsTimeout             time.Duration
	zap                     zap.Options
}

func newManagerCommand() *cobra.Command {
	flags := &managerFlags{}
	command := &cobra.Command{
		Use:   "manager",
		Short: "Serve the custom resources of a cluster",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctrl.SetLogger(zap.New(zap.UseFlagOptions(&flags.zap)))
			return runManager(command.Context(), flags)
		},
	}
	flags.bind(command)
	return command
}

func (f *managerFlags) bind(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&f.adminNamespace, "admin-namespace", "kube-system", "namespace whose Migrations may move every namespace")
	set.StringVar(&f.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 turns them off")
	set.StringVar(&f.metricsAddress, "metrics-bind-address", ":8443", "address of /metrics; 0 turns it off")
	set.BoolVar(&f.metricsSecure, "metrics-secure", true, "serve metrics over TLS, to those whom the API server authenticates and authorises")
	set.StringVar(&f.metricsCertDir, "metrics-cert-dir", "", "folder with tls.crt and tls.key for metrics; empty makes a self-signed certificate")
	set.StringVar(&f.webhookAddress, "webhook-bind-address", ":9443", "address of the admission webhooks; 0 turns them off")
	set.StringVar(&f.webhookConfiguration, "webhook-configuration", "godwit",
		"ValidatingWebhookConfiguration and MutatingWebhookConfiguration that tell the API server of the webhooks; the authority of their "+
			"certificate is written into them")
	set.BoolVar(&f.authorizeRequesters, "authorize-requesters", true,
		"admit ClusterPairs, Rules, Migrations, MigrationSchedules, ResourceTransformations and Actions only from users who themselves may read "+
			"the Secrets, mount the volumes, run the commands and stop the workloads that the operator would for them")
	set.BoolVar(&f.leaderElect, "leader-elect", true, "work only while holding the lease, so that several replicas can run")
	set.StringVar(&f.leaderElectionNamespace, "leader-election-namespace", "", "namespace of the lease; empty means the pod's own")
	set.StringSliceVar(&f.allowedExecCommands, "allow-exec-command", nil,
		"exec credential plugin that kubeconfigs of ClusterPairs may run in the operator, by its exact command; may be repeated")
	set.BoolVar(&f.allowKubeconfigFiles, "allow-kubeconfig-files", false,
		"let kubeconfigs of ClusterPairs name files (certificates, keys, tokens), which are read from the operator's own file system")
	set.DurationVar(&f.pendingDeadline, "migration-pending-deadline", 15*time.Minute,
		"how long a Migration waits for a ClusterPair, Rule or ResourceTransformation before it fails")
	set.DurationVar(&f.runDeadline, "migration-deadline", 6*time.Hour, "how long a Migration may take before it fails")
	set.IntVar(&f.maxRuns, "max-concurrent-migrations", 10, "how many Migrations run at once")
	set.IntVar(&f.writers, "migration-max-threads", 16, "how many objects of one Migration are written at once")
	set.DurationVar(&f.scheduleCatchUp, "schedule-catch-up", 24*time.Hour,
		"how late a MigrationSchedule starts a Migration whose time of day was missed, for example because no operator ran; 0 makes up for none")
	set.StringVar(&f.timeZone, "time-zone", "UTC", "time zone of times of day in policies that name none, as in the IANA database")
	set.DurationVar(&f.sourceTimeout, "failover-source-timeout", failover.DefaultPatience,
		"how long a failover or failback tries to reach the other cluster, and what fails for a passing reason, before it gives up")
	set.DurationVar(&f.podsTimeout, "failover-pods-timeout", failover.DefaultPodsTimeout,
		"how long a failover or failback waits for pods of stopped applications to end before it starts them again")
	goFlags := flag.NewFlagSet("", flag.ContinueOnError)
	f.zap.BindFlags(goFlags)
	config.RegisterFlags(goFlags)
	set.AddGoFlagSet(goFlags)
}

// newScheme knows the kinds that the operator reads as typed objects.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(storkv1alpha1.AddToScheme(scheme))
	return scheme
}

// turnedOff is the address of a server that is not wanted.
const turnedOff = "0"

func runManager(ctx context.Context, flags *managerFlags) error {
	restConfig, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster to serve: %w", err)
	}
	remote.Bound(restConfig, remote.DefaultTimeout)
	certificate, err := newWebhookCertificate(restConfig, flags)
	if err != nil {
		return err
	}
	options := flags.managerOptions()
	if flags.webhookAddress != turnedOff {
		if options.WebhookServer, err = newWebhookServer(flags.webhookAddress, certificate); err != nil {
			return err
		}
	}
	mgr, err := ctrl.NewManager(restConfig, options)
	if err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if options.WebhookServer != nil {
		if err := setupWebhooks(mgr, certificate, flags); err != nil {
			return err
		}
	}
	if err := setupControllers(ctx, mgr, flags); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func (f *managerFlags) managerOptions() ctrl.Options {
	metrics := metricsserver.Options{BindAddress: f.metricsAddress, SecureServing: f.metricsSecure, CertDir: f.metricsCertDir}
	if f.metricsSecure {
		metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return ctrl.Options{
		Scheme:                        newScheme(),
		Metrics:                       metrics,
		HealthProbeBindAddress:        f.healthAddress,
		LeaderElection:                f.leaderElect,
		LeaderElectionID:              "godwit.stork.libopenstorage.org",
		LeaderElectionNamespace:       f.leaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // The process ends when the manager does.
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			// A kind that is cached by accident would fill the memory: reading one without an informer is an error.
			ReaderFailOnMissingInformer: true,
		},
	}
}
