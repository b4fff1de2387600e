package transform

import "testing"

func TestService(t *testing.T) {
	runAll(t, service{}, map[string]transformation{
		"loses addresses and keeps its ports": {
			before: `
apiVersion: v1
kind: Service
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.7
  clusterIPs: [10.0.0.7]
  loadBalancerIP: 192.0.2.1
  healthCheckNodePort: 31000
  ipFamilies: [IPv4]
  externalIPs: [192.0.2.9]
  ports: [{port: 80, nodePort: 30080}]`,
			after: `
apiVersion: v1
kind: Service
spec:
  type: LoadBalancer
  ipFamilies: [IPv4]
  externalIPs: [192.0.2.9]
  ports: [{port: 80, nodePort: 30080}]`,
		},
		"stays headless": {before: "{apiVersion: v1, kind: Service, spec: {clusterIP: None, clusterIPs: [None]}}"},
		"keeps all where an annotation says so": {
			before: "{apiVersion: v1, kind: Service, metadata: {annotations: {stork.libopenstorage.org/skip-modify-resource: ''}}, spec: {clusterIP: 10.0.0.7}}",
		},
		"of another group is none": {before: "{apiVersion: serving.knative.dev/v1, kind: Service, spec: {clusterIP: 10.0.0.7}}"},
	})
	t.Run("keeps all where the migration says so", func(t *testing.T) {
		transformation{before: "{apiVersion: v1, kind: Service, spec: {clusterIP: 10.0.0.7}}"}.run(t, service{keepAddresses: true})
	})
}
