package workload

import "testing"

func TestVirtualMachine(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"is halted and started by its runStrategy": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm}, spec: {runStrategy: RerunOnFailure}}",
			suspended: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, annotations: {stork.libopenstorage.org/spec.runStrategy: "RerunOnFailure,Halted"}}
spec: {runStrategy: Halted}`,
		},
		"that was stopped stays stopped": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm}, spec: {runStrategy: Halted}}",
			suspended: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, annotations: {stork.libopenstorage.org/spec.runStrategy: "Halted,Halted"}}
spec: {runStrategy: Halted}`,
		},
		"with running is stopped by it, as it cannot have both": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm}, spec: {running: true}}",
			suspended: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, annotations: {stork.libopenstorage.org/spec.running: "true,false"}}
spec: {running: false}`,
		},
		"that was not running stays so": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm}, spec: {running: false}}",
			suspended: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, annotations: {stork.libopenstorage.org/spec.running: "false,false"}}
spec: {running: false}`,
		},
	} {
		tc.registrations = builtinResources()
		t.Run(name, tc.run)
	}
}
