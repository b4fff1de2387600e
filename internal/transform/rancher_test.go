package transform

import (
	"fmt"
	"strings"
	"testing"
)

func TestRancherKeys(t *testing.T) {
	runAll(t, newRancher(map[string]string{"p-1": "p-2", "c-a:p-3": "c-b:p-4", "p-5": "c-b:p-6"}), map[string]transformation{
		"are removed except projects with a counterpart": {
			before: `
apiVersion: v1
kind: Namespace
metadata:
  labels: {app: x, field.cattle.io/projectId: p-1, cattle.io/creator: norman}
  annotations: {lifecycle.cattle.io/create.namespace-auth: "true", field.cattle.io/projectId: p-1, field.cattle.io/projectID: c-a:p-3}`,
			after: `
apiVersion: v1
kind: Namespace
metadata:
  labels: {app: x, field.cattle.io/projectId: p-2}
  annotations: {field.cattle.io/projectId: p-2, field.cattle.io/projectID: c-b:p-4}`,
		},
		"of projects without a counterpart are removed": {
			before: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {field.cattle.io/projectId: p-9}, annotations: {field.cattle.io/projectId: c-z:p-3}}}",
			after:  "{apiVersion: v1, kind: ConfigMap, metadata: {}}",
		},
		"keep the form in which a label can hold them": {
			before: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {field.cattle.io/projectId: p-3}, annotations: {field.cattle.io/projectId: c-any:p-5}}}",
			after:  "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {field.cattle.io/projectId: p-4}, annotations: {field.cattle.io/projectId: 'c-b:p-6'}}}",
		},
		"in pod templates and data are none": {
			before: "{apiVersion: apps/v1, kind: Deployment, metadata: {}, spec: {template: {metadata: {annotations: {cattle.io/timestamp: x}}}}}",
		},
	})
}

func TestRancherSelectors(t *testing.T) {
	runAll(t, newRancher(map[string]string{"p-1": "p-2"}), map[string]transformation{
		"of NetworkPolicies are mapped, and never widened": {
			before: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {}
spec:
  ingress:
  - from: [{namespaceSelector: {matchLabels: {field.cattle.io/projectId: p-1}}}, {namespaceSelector: {matchLabels: {field.cattle.io/projectId: p-9}}}]
  egress:
  - to: [{namespaceSelector: {matchExpressions: [{key: field.cattle.io/projectID, operator: In, values: [p-1, p-9]}, {key: a, values: [p-1]}]}}]`,
			after: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {}
spec:
  ingress:
  - from: [{namespaceSelector: {matchLabels: {field.cattle.io/projectId: p-2}}}, {namespaceSelector: {matchLabels: {field.cattle.io/projectId: p-9}}}]
  egress:
  - to: [{namespaceSelector: {matchExpressions: [{key: field.cattle.io/projectID, operator: In, values: [p-2, p-9]}, {key: a, values: [p-1]}]}}]`,
		},
	})
	for kind, podSpec := range map[string]string{
		"/v1/Pod":                               "spec: %s",
		"/v1/PodTemplate":                       "template: {spec: %s}",
		"/v1/ReplicationController":             "spec: {template: {spec: %s}}",
		"apps/v1/Deployment":                    "spec: {template: {spec: %s}}",
		"apps/v1/StatefulSet":                   "spec: {template: {spec: %s}}",
		"apps/v1/DaemonSet":                     "spec: {template: {spec: %s}}",
		"apps/v1/ReplicaSet":                    "spec: {template: {spec: %s}}",
		"batch/v1/Job":                          "spec: {template: {spec: %s}}",
		"batch/v1/CronJob":                      "spec: {jobTemplate: {spec: {template: {spec: %s}}}}",
		"apps.openshift.io/v1/DeploymentConfig": "spec: {template: {spec: %s}}",
		"kubevirt.io/v1/VirtualMachine":         "spec: {template: {spec: %s}}",
	} {
		for _, affinity := range []string{
			"{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaceSelector: %s}]}}",
			"{podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{podAffinityTerm: {namespaceSelector: %s}}]}}",
			"{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaceSelector: %s}]}}",
			"{podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{podAffinityTerm: {namespaceSelector: %s}}]}}",
		} {
			t.Run("of the pods of "+kind+" are mapped in "+affinity[:40], func(t *testing.T) {
				parts := strings.Split(kind, "/")
				apiVersion := strings.Trim(parts[0]+"/"+parts[1], "/")
				manifest := fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {}, "+podSpec+"}", apiVersion, parts[2],
					fmt.Sprintf("{affinity: "+affinity+"}", "{matchLabels: {field.cattle.io/projectId: p-1}}"))
				transformation{before: manifest, after: strings.ReplaceAll(manifest, "p-1", "p-2")}.run(t, newRancher(map[string]string{"p-1": "p-2"}))
			})
		}
	}
}

func TestRancherProject(t *testing.T) {
	for name, tc := range map[string]struct {
		mappings map[string]string
		id, want string
		unmapped bool
	}{
		"bare to bare":                        {map[string]string{"p-1": "p-2"}, "p-1", "p-2", false},
		"full to full":                        {map[string]string{"c-a:p-1": "c-b:p-2"}, "c-a:p-1", "c-b:p-2", false},
		"bare by a full mapping":              {map[string]string{"c-a:p-1": "c-b:p-2"}, "p-1", "p-2", false},
		"full by a bare mapping":              {map[string]string{"p-1": "c-b:p-2"}, "c-a:p-1", "c-b:p-2", false},
		"full to bare":                        {map[string]string{"c-a:p-1": "p-2"}, "c-a:p-1", "p-2", false},
		"the exact mapping before others":     {map[string]string{"p-1": "p-2", "c-a:p-1": "c-b:p-3"}, "c-a:p-1", "c-b:p-3", false},
		"not that of another cluster":         {map[string]string{"c-a:p-1": "c-b:p-2"}, "c-z:p-1", "c-z:p-1", true},
		"the first of two that fit, by name":  {map[string]string{"c-b:p-1": "p-3", "c-a:p-1": "p-2"}, "p-1", "p-2", false},
		"a project of the destination itself": {map[string]string{"p-1": "c-b:p-2"}, "p-2", "p-2", false},
		"nothing for an empty target":         {map[string]string{"p-1": ""}, "p-1", "p-1", true},
		"nothing without mappings":            {nil, "p-1", "p-1", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := newRancher(tc.mappings).project(tc.id)
			if got != tc.want || ok == tc.unmapped {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
}
