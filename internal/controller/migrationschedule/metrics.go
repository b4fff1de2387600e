package migrationschedule

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// metrics of MigrationSchedules. Those that Stork has too have its names, labels and values, so that its dashboards keep working.
type metrics struct {
	status, lastRun, lastSuccess, nextRun *prometheus.GaugeVec
}

// newMetrics registers the metrics.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string, more ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"name", "namespace"}, more...))
	}
	m := &metrics{
		status:      gauge("stork_migration_schedule_status", "Number of sections of the policy that have made Migrations."),
		lastRun:     gauge("stork_migration_schedule_last_run_status", "Always 1, by the status of the newest Migration.", "status"),
		lastSuccess: gauge("godwit_migration_schedule_last_success_timestamp_seconds", "When the last successful Migration finished; absent if none has."),
		nextRun:     gauge("godwit_migration_schedule_next_run_timestamp_seconds", "When the next Migration is due; absent while none is."),
	}
	for _, vector := range m.vectors() {
		if err := registry.Register(vector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) vectors() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{m.status, m.lastRun, m.lastSuccess, m.nextRun}
}

// observe shows a schedule as it is now. Nil metrics show nothing.
func (m *metrics) observe(schedule *storkv1alpha1.MigrationSchedule) {
	if m == nil {
		return
	}
	key := types.NamespacedName{Namespace: schedule.Namespace, Name: schedule.Name}
	m.forget(key)
	used := 0
	var newest *storkv1alpha1.ScheduledMigrationStatus
	for _, items := range schedule.Status.Items {
		if len(items) == 0 {
			continue
		}
		used++
		if last := items[len(items)-1]; newest == nil || timeOf(last) > timeOf(newest) {
			newest = last
		}
	}
	m.status.WithLabelValues(key.Name, key.Namespace).Set(float64(used))
	if newest != nil && newest.Status != storkv1alpha1.MigrationStatusInitial {
		m.lastRun.WithLabelValues(key.Name, key.Namespace, string(newest.Status)).Set(1)
	}
	if last := schedule.Status.LastSuccessTime; last != nil {
		m.lastSuccess.WithLabelValues(key.Name, key.Namespace).Set(float64(last.Unix()))
	}
	if next := schedule.Status.NextRunTime; next != nil {
		m.nextRun.WithLabelValues(key.Name, key.Namespace).Set(float64(next.Unix()))
	}
}

// forget takes a schedule out that is gone.
func (m *metrics) forget(key types.NamespacedName) {
	if m == nil {
		return
	}
	for _, vector := range m.vectors() {
		vector.DeletePartialMatch(prometheus.Labels{"name": key.Name, "namespace": key.Namespace})
	}
}
