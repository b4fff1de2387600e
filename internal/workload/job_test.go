package workload

import "testing"

func TestJob(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"is suspended and resumed": {
			before: "{apiVersion: batch/v1, kind: Job, metadata: {name: import}, spec: {suspend: false}}",
			suspended: `
apiVersion: batch/v1
kind: Job
metadata: {name: import, annotations: {stork.libopenstorage.org/spec.suspend: "false,true"}}
spec: {suspend: true}`,
		},
		"that was suspended on purpose stays so": {
			before: "{apiVersion: batch/v1, kind: Job, metadata: {name: import}, spec: {suspend: true}}",
			suspended: `
apiVersion: batch/v1
kind: Job
metadata: {name: import, annotations: {stork.libopenstorage.org/spec.suspend: "true,true"}}
spec: {suspend: true}`,
		},
		"that has completed is left alone": {
			before: "{apiVersion: batch/v1, kind: Job, spec: {}, status: {conditions: [{type: Complete, status: 'True'}]}}",
		},
		"that has failed is left alone": {
			before: "{apiVersion: batch/v1, kind: Job, spec: {}, status: {conditions: [x, {type: Failed, status: 'True'}]}}",
		},
		"that was suspended before is not finished": {
			before: "{apiVersion: batch/v1, kind: Job, metadata: {}, spec: {suspend: false}, status: {conditions: [{type: Failed, status: 'False'}]}}",
			suspended: `
apiVersion: batch/v1
kind: Job
metadata: {annotations: {stork.libopenstorage.org/spec.suspend: "false,true"}}
spec: {suspend: true}
status: {conditions: [{type: Failed, status: 'False'}]}`,
		},
	} {
		t.Run(name, tc.run)
	}
}
