package clusterpair

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// metrics of ClusterPairs. They have the names, labels and values of Stork's, so that its dashboards keep working.
type metrics struct {
	scheduler, storage *prometheus.GaugeVec
}

const statusNumbersHelp = "0 initial, 1 pending, 2 ready, 3 error, 4 degraded, 5 deleting, 6 not provided."

// newMetrics registers the metrics.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help + statusNumbersHelp}, []string{"name", "namespace"})
	}
	m := &metrics{
		scheduler: gauge("stork_clusterpair_scheduler_status", "State of the API server of a ClusterPair: "),
		storage:   gauge("stork_clusterpair_storage_status", "State of the storage of a ClusterPair: "),
	}
	for _, vector := range []*prometheus.GaugeVec{m.scheduler, m.storage} {
		if err := registry.Register(vector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe shows a pair as it is now.
func (m *metrics) observe(pair *storkv1alpha1.ClusterPair) {
	m.scheduler.WithLabelValues(pair.Name, pair.Namespace).Set(numberOf(pair.Status.SchedulerStatus))
	m.storage.WithLabelValues(pair.Name, pair.Namespace).Set(numberOf(pair.Status.StorageStatus))
}

// forget takes a pair out that is gone.
func (m *metrics) forget(name types.NamespacedName) {
	m.scheduler.DeleteLabelValues(name.Name, name.Namespace)
	m.storage.DeleteLabelValues(name.Name, name.Namespace)
}

// numberOf returns the number that Stork's dashboards know a state by.
func numberOf(status storkv1alpha1.ClusterPairStatusType) float64 {
	switch status {
	case storkv1alpha1.ClusterPairStatusPending:
		return 1
	case storkv1alpha1.ClusterPairStatusReady:
		return 2
	case storkv1alpha1.ClusterPairStatusError:
		return 3
	case storkv1alpha1.ClusterPairStatusDegraded:
		return 4
	case storkv1alpha1.ClusterPairStatusDeleting:
		return 5
	case storkv1alpha1.ClusterPairStatusNotProvided:
		return 6
	default:
		return 0
	}
}
