package migration

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// metrics of Migrations. The gauges have the names, labels and values of Stork's, so that its dashboards keep working.
type metrics struct {
	status, stage, duration *prometheus.GaugeVec
	seconds                 *prometheus.HistogramVec
	objects                 *prometheus.CounterVec
}

// The numbers that Stork's dashboards know stages and states by.
var (
	stageNumbers = map[storkv1alpha1.MigrationStageType]float64{
		storkv1alpha1.MigrationStageInitial:      0,
		storkv1alpha1.MigrationStagePreExecRule:  1,
		storkv1alpha1.MigrationStagePostExecRule: 2,
		storkv1alpha1.MigrationStageVolumes:      3,
		storkv1alpha1.MigrationStageApplications: 4,
		storkv1alpha1.MigrationStageFinal:        5,
	}
	statusNumbers = map[storkv1alpha1.MigrationStatusType]float64{
		storkv1alpha1.MigrationStatusInitial:        0,
		storkv1alpha1.MigrationStatusPending:        1,
		storkv1alpha1.MigrationStatusInProgress:     2,
		storkv1alpha1.MigrationStatusFailed:         3,
		storkv1alpha1.MigrationStatusPartialSuccess: 4,
		storkv1alpha1.MigrationStatusSuccessful:     5,
		storkv1alpha1.MigrationStatusPurged:         6,
	}
)

// newMetrics registers the metrics.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	labels := []string{"name", "namespace", "schedule"}
	m := &metrics{
		status: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stork_migration_status",
			Help: "State of a Migration: 0 initial, 1 pending, 2 in progress, 3 failed, 4 partial success, 5 successful.",
		}, labels),
		stage: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stork_migration_stage",
			Help: "Stage of a Migration: 0 initial, 1 pre-exec rule, 2 post-exec rule, 3 volumes, 4 applications, 5 final.",
		}, labels),
		duration: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stork_migration_duration",
			Help: "Seconds from the creation of a Migration to its end.",
		}, labels),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "godwit_migration_duration_seconds",
			Help:    "Seconds from the start of a Migration to its end, by result.",
			Buckets: prometheus.ExponentialBuckets(0.25, 2, 16),
		}, []string{"result"}),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "godwit_migration_objects_total",
			Help: "Objects that Migrations dealt with at their destination, by action; Failed are those that did not arrive.",
		}, []string{"action"}),
	}
	for _, collector := range []prometheus.Collector{m.status, m.stage, m.duration, m.seconds, m.objects} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe shows a Migration as it is now.
func (m *metrics) observe(migration *storkv1alpha1.Migration) {
	labels := prometheus.Labels{
		"name":      migration.Name,
		"namespace": migration.Namespace,
		"schedule":  scheduleOf(migration),
	}
	m.status.With(labels).Set(statusNumbers[migration.Status.Status])
	m.stage.With(labels).Set(stageNumbers[migration.Status.Stage])
	if finish := migration.Status.FinishTimestamp; finish != nil {
		m.duration.With(labels).Set(finish.Sub(migration.CreationTimestamp.Time).Seconds())
	}
}

// finished counts a Migration that has just ended.
func (m *metrics) finished(migration *storkv1alpha1.Migration) {
	status := &migration.Status
	if status.StartTimestamp != nil && status.FinishTimestamp != nil {
		seconds := status.FinishTimestamp.Sub(status.StartTimestamp.Time).Seconds()
		m.seconds.WithLabelValues(strings.ToLower(string(status.Status))).Observe(seconds)
	}
	if summary := status.Summary; summary != nil {
		m.objects.WithLabelValues("Created").Add(float64(summary.ResourcesCreated))
		m.objects.WithLabelValues("Updated").Add(float64(summary.ResourcesUpdated))
		m.objects.WithLabelValues("Unchanged").Add(float64(summary.ResourcesUnchanged))
		m.objects.WithLabelValues("Purged").Add(float64(summary.ResourcesPurged))
		m.objects.WithLabelValues("Failed").Add(float64(summary.ResourcesFailed))
	}
}

// forget takes a deleted Migration out.
func (m *metrics) forget(name types.NamespacedName) {
	labels := prometheus.Labels{"name": name.Name, "namespace": name.Namespace}
	for _, vector := range []*prometheus.GaugeVec{m.status, m.stage, m.duration} {
		vector.DeletePartialMatch(labels)
	}
}
