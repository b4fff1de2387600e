package transform

import (
	"testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

func TestSuspend(t *testing.T) {
	registrations := workload.NewRegistrations([]storkv1alpha1.ApplicationResource{{
		Group: "example.com", Version: "v1", Kind: "Stashed", StashStrategy: storkv1alpha1.StashStrategy{StashCR: true},
		SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.paused", Type: "bool"},
	}})
	runAll(t, suspend{registrations: registrations}, map[string]transformation{
		"stops a DaemonSet": {
			before: "{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {}}}}",
			after:  `{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {nodeSelector: {stork.libopenstorage.org/suspended: "true"}}}}}`,
		},
		"leaves a custom resource that is stashed as it runs": {before: "{apiVersion: example.com/v1, kind: Stashed, metadata: {}, spec: {paused: false}}"},
	})
}
