package fault_test

import (
	"context"
	"fmt"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// A standby is the other shape of a migration: the application is stopped and transformed on its way, has a volume, and what is gone
// from the source is purged. This file says what such a migration has beyond the plain one, and what it makes of objects on purpose.

// transformationName is that of the ResourceTransformation in the namespace of a standby.
const transformationName = "region"

// standbySpec makes a Migration one to a standby.
func standbySpec(spec *storkv1alpha1.MigrationSpec) {
	spec.StartApplications, spec.PurgeDeletedResources = new(false), new(true)
	spec.TransformSpecs = []string{transformationName}
}

// standbyPart is what an application with a standby has beyond: what runs, and data.
func standbyPart(namespace, edition string) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, manifest := range []string{`
apiVersion: v1
kind: PersistentVolume
metadata: {name: data-NS, labels: {edition: %s}}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  persistentVolumeReclaimPolicy: Delete
  hostPath: {path: /nowhere/NS}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: NS, name: data}`, `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: NS, labels: {edition: %s}}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: data-NS, resources: {requests: {storage: 1Gi}}}`, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend, namespace: NS, labels: {app: shop, edition: %s}}
spec:
  replicas: 2
  selector: {matchLabels: {app: backend}}
  template: {metadata: {labels: {app: backend}}, spec: {containers: [{name: backend, image: registry.example.com/backend}]}}`, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: NS, labels: {edition: %s}}
spec:
  schedule: 0 0 1 1 *
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: report, image: registry.example.com/report}]}}}}`,
	} {
		all = append(all, object(namespace, fmt.Sprintf(manifest, edition)))
	}
	return all
}

// passing are objects that the source has for the first migration only.
func passing(namespace string) []*unstructured.Unstructured { return part(namespace, "gone", 90, 100) }

// equipStandby makes what only the source has, and something at the destination that no migration brought.
func (w *world) equipStandby() {
	w.Helper()
	transformation := object(w.namespace, `
apiVersion: stork.libopenstorage.org/v1alpha1
kind: ResourceTransformation
metadata: {name: `+transformationName+`, namespace: NS}
specs:
  transformSpecs:
  - {resource: /v1/ConfigMap, selectors: {app: shop}, paths: [{path: data.region, value: south, type: string, operation: add}]}
  - {resource: apps/v1/Deployment, selectors: {app: shop}, paths: [{path: metadata.labels, value: "region:south", type: keypair, operation: modify}]}`)
	give(w.T, here, transformation)
	w.Eventually(func() string { return statusOf(find(w.T, here, transformation), "status") }).Should(
		BeEquivalentTo(storkv1alpha1.ResourceTransformationStatusReady))
	claim := object(w.namespace, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: NS}}`)
	w.Eventually(func() string { return statusOf(find(w.T, here, claim), "phase") }).Should(Equal("Bound"))
	give(w.T, there, object(w.namespace, `{apiVersion: v1, kind: Namespace, metadata: {name: NS}}`),
		object(w.namespace, `{apiVersion: v1, kind: ConfigMap, metadata: {name: native, namespace: NS, labels: {app: shop}}}`))
}

func statusOf(o *unstructured.Unstructured, field string) string {
	value, _, _ := unstructured.NestedString(o.Object, "status", field)
	return value
}

// lose deletes objects at the source.
func (w *world) lose(objects []*unstructured.Unstructured) {
	w.Helper()
	for _, o := range objects {
		w.Expect(here.Delete(context.Background(), o.DeepCopy(), client.PropagationPolicy("Background"))).To(Succeed())
	}
	for _, o := range objects {
		w.Eventually(func() *unstructured.Unstructured { return find(w.T, here, o) }).Should(BeNil(), key(o))
	}
}

// stopped makes of an object of the source what the standby shall have.
func stopped(o *unstructured.Unstructured) {
	set := func(value any, path ...string) {
		if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
			panic(err)
		}
	}
	switch isShop := o.GetLabels()["app"] == "shop"; o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "ConfigMap"}:
		if isShop {
			set("south", "data", "region")
		}
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		set(int64(0), "spec", "replicas")
		set("true", "metadata", "labels", storkv1alpha1.LabelMigrated)
		if isShop {
			set("south", "metadata", "labels", "region")
		}
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		set(true, "spec", "suspend")
	case schema.GroupKind{Kind: "PersistentVolume"}:
		set("Retain", "spec", "persistentVolumeReclaimPolicy")
	}
}
