package transform

import "testing"

func TestEndpoints(t *testing.T) {
	runAll(t, endpoints{}, map[string]transformation{
		"keep addresses without the pods and nodes of the source": {
			before: `
apiVersion: v1
kind: Endpoints
subsets:
- addresses: [{ip: 192.0.2.1, nodeName: n, targetRef: {kind: Pod, name: p, uid: u}}]
  notReadyAddresses: [{ip: 192.0.2.2, nodeName: n}]
  ports: [{port: 80}]`,
			after: `
apiVersion: v1
kind: Endpoints
subsets:
- addresses: [{ip: 192.0.2.1}]
  notReadyAddresses: [{ip: 192.0.2.2}]
  ports: [{port: 80}]`,
		},
		"in slices do the same": {
			before: `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
endpoints: [{addresses: [192.0.2.1], nodeName: n, zone: z, targetRef: {name: p}, conditions: {ready: true}}]`,
			after: `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
endpoints: [{addresses: [192.0.2.1], conditions: {ready: true}}]`,
		},
	})
}
