package workload

import "testing"

func TestDaemonSet(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"is kept off all nodes by a selector that none has": {
			before: "{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {containers: []}}}}",
			suspended: `
apiVersion: apps/v1
kind: DaemonSet
spec: {template: {spec: {containers: [], nodeSelector: {stork.libopenstorage.org/suspended: "true"}}}}`,
		},
		"keeps its own selector": {
			before: "{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: {nodeSelector: {disk: ssd}}}}}",
			suspended: `
apiVersion: apps/v1
kind: DaemonSet
spec: {template: {spec: {nodeSelector: {disk: ssd, stork.libopenstorage.org/suspended: "true"}}}}`,
		},
	} {
		t.Run(name, tc.run)
	}
	t.Run("with a malformed template gives an error", func(t *testing.T) {
		expectError(t, Suspend, "{apiVersion: apps/v1, kind: DaemonSet, spec: {template: [x]}}", nil, "spec.template is a list, not an object")
	})
}
