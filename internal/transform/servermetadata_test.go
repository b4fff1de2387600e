package transform

import "testing"

func TestServerMetadata(t *testing.T) {
	runAll(t, serverMetadata{}, map[string]transformation{
		"keeps name, namespace, labels and annotations": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  namespace: shop
  labels: {a: b}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
  generateName: c-
  uid: u
  resourceVersion: "1"
  generation: 1
  selfLink: /x
  creationTimestamp: null
  deletionTimestamp: "2026-01-01T00:00:00Z"
  deletionGracePeriodSeconds: 30
  finalizers: [x]
  ownerReferences: []
  managedFields: []`,
			after: `
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  namespace: shop
  labels: {a: b}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}`,
		},
		"keeps the generated name of an object without one": {
			before: "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: c-, uid: u}}",
			after:  "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: c-}}",
		},
		"removes annotations of controllers": {
			before: `
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    deployment.kubernetes.io/revision: "1"
    deployment.kubernetes.io/desired-replicas: "1"
    deprecated.daemonset.template.generation: "1"
    control-plane.alpha.kubernetes.io/leader: "{}"
    stork.libopenstorage.org/activation: stopped-by-u
    autoscaling.alpha.kubernetes.io/conditions: "[]"`,
			after: "{apiVersion: apps/v1, kind: Deployment, metadata: {}}",
		},
	})
}
