package transform

import "testing"

func TestVirtualMachine(t *testing.T) {
	runAll(t, virtualMachine{}, map[string]transformation{
		"that runs always does so, and brings its volumes as claims": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {running: true, dataVolumeTemplates: [{metadata: {name: d}}], template: {}}}",
			after:  "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {runStrategy: Always, template: {}}}",
		},
		"that is stopped stays stopped": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {running: false}}",
			after:  "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {runStrategy: Halted}}",
		},
		"keeps its runStrategy beside running": {
			before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {running: false, runStrategy: Manual}}",
			after:  "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {runStrategy: Manual}}",
		},
		"keeps its runStrategy": {before: "{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {runStrategy: Manual}}"},
	})
}
