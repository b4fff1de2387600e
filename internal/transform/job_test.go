package transform

import "testing"

func TestJob(t *testing.T) {
	runAll(t, job{}, map[string]transformation{
		"loses its generated selector": {
			before: `
apiVersion: batch/v1
kind: Job
metadata: {labels: {app: x, controller-uid: u, batch.kubernetes.io/controller-uid: u, job-name: j}}
spec:
  selector: {matchLabels: {controller-uid: u}}
  template: {metadata: {labels: {controller-uid: u, job-name: j, batch.kubernetes.io/job-name: j}}}`,
			after: `
apiVersion: batch/v1
kind: Job
metadata: {labels: {app: x, job-name: j}}
spec: {}`,
		},
		"keeps a selector of its own": {
			before: `
apiVersion: batch/v1
kind: Job
metadata: {}
spec: {manualSelector: true, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, job-name: j}}}}`,
		},
		"that failed does not run again": {
			before: "{apiVersion: batch/v1, kind: Job, metadata: {}, spec: {}, status: {conditions: [{type: Failed, status: 'True'}]}}",
			after:  "{apiVersion: batch/v1, kind: Job, metadata: {}, spec: {suspend: true}, status: {conditions: [{type: Failed, status: 'True'}]}}",
		},
	})
}
