package transform

import "testing"

func TestPersistentVolume(t *testing.T) {
	runAll(t, persistentVolume{}, map[string]transformation{
		"is reserved for the claim by name, retained, and remembers its policy and class": {
			before: `
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pv
  annotations: {pv.kubernetes.io/provisioned-by: csi.example.com, pv.kubernetes.io/bound-by-controller: "yes"}
spec:
  persistentVolumeReclaimPolicy: Delete
  storageClassName: fast
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, name: data, namespace: shop, uid: u, resourceVersion: "7"}
  nodeAffinity: {required: {nodeSelectorTerms: []}}`,
			after: `
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pv
  annotations:
    pv.kubernetes.io/provisioned-by: csi.example.com
    stork.libopenstorage.org/reclaimPolicy: Delete
    stork.libopenstorage.org/current-storage-class-name: fast
spec:
  persistentVolumeReclaimPolicy: Retain
  storageClassName: fast
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, name: data, namespace: shop}
  nodeAffinity: {required: {nodeSelectorTerms: []}}`,
		},
		"carries on the policy that was remembered before": {
			before: `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv, annotations: {stork.libopenstorage.org/reclaimPolicy: Delete}}
spec: {persistentVolumeReclaimPolicy: Retain}`,
		},
		"remembers anew what somebody set since": {
			before: `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv, annotations: {stork.libopenstorage.org/reclaimPolicy: Retain}}
spec: {persistentVolumeReclaimPolicy: Delete}`,
			after: `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv, annotations: {stork.libopenstorage.org/reclaimPolicy: Delete}}
spec: {persistentVolumeReclaimPolicy: Retain}`,
		},
		"is retained by default": {
			before: "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, spec: {}}",
			after: `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv, annotations: {stork.libopenstorage.org/reclaimPolicy: Retain}}
spec: {persistentVolumeReclaimPolicy: Retain}`,
		},
		"may have its class in the old annotation": {
			before: `
apiVersion: v1
kind: PersistentVolume
metadata: {annotations: {volume.beta.kubernetes.io/storage-class: old}}
spec: {}`,
			after: `
apiVersion: v1
kind: PersistentVolume
metadata:
  annotations:
    volume.beta.kubernetes.io/storage-class: old
    stork.libopenstorage.org/current-storage-class-name: old
    stork.libopenstorage.org/reclaimPolicy: Retain
spec: {persistentVolumeReclaimPolicy: Retain}`,
		},
	})
}
