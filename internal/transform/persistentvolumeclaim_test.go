package transform

import "testing"

func TestPersistentVolumeClaim(t *testing.T) {
	runAll(t, persistentVolumeClaim{}, map[string]transformation{
		"keeps the volume's name and forgets that it is bound": {
			before: `
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  annotations:
    note: x
    pv.kubernetes.io/bind-completed: "yes"
    pv.kubernetes.io/bound-by-controller: "yes"
    volume.kubernetes.io/selected-node: node-1
    volume.kubernetes.io/storage-provisioner: csi.example.com
    volume.beta.kubernetes.io/storage-provisioner: csi.example.com
spec: {volumeName: pv, storageClassName: fast}`,
			after: `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {annotations: {note: x}}
spec: {volumeName: pv, storageClassName: fast}`,
		},
		"is not touched without such annotations": {before: "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {}, spec: {volumeName: pv}}"},
	})
}
