package localnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
)

const (
	// CSIDriver is the name of the driver that StartCSI starts: a real one, whose volumes are folders or, for block devices, files
	// behind loop devices. A kubelet gives folders a pod's fsGroup.
	CSIDriver = "folders.csi.localnode"
	// CSIClass is its StorageClass, of volumes that are provisioned at once, and the name of its VolumeSnapshotClass.
	CSIClass = "csi"
)

// The processes that StartCSI starts.
const (
	csiDriver          = "csi-driver"
	csiProvisioner     = "csi-provisioner"
	csiSnapshotter     = "csi-snapshotter"
	snapshotController = "snapshot-controller"
)

// csiSocket is where the driver is called, on the cluster's machine.
const csiSocket = "/run/csi/socket"

// StartCSI adds a CSI driver with snapshots and clones, a StorageClass and a VolumeSnapshotClass. It builds what that needs, which takes
// some ten minutes the first time; progress gets a few lines meanwhile, and nil discards them.
func (c *Cluster) StartCSI(ctx context.Context, progress io.Writer) error {
	binaries, err := localcluster.CSIBinaries(ctx, progress)
	if err != nil {
		return err
	}
	driver := filepath.Join(c.dir, csiDriver)
	if err := image.Build(ctx, "github.com/godwit-io/godwit/hack/localnode/csidriver", driver); err != nil {
		return err
	}
	kubeconfig, err := c.InsideKubeconfig("csi", "system:masters")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.config("csi"), kubeconfig, 0o600); err != nil {
		return err
	}
	if _, err := envtest.InstallCRDs(c.Config(), envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(binaries, localcluster.SnapshotCRDs)}, ErrorIfPathMissing: true,
	}); err != nil {
		return fmt.Errorf("installing the CRDs of snapshots in cluster %s: %w", c.name, err)
	}
	if err := c.makeCSIClasses(ctx); err != nil {
		return err
	}
	for _, program := range c.csiPrograms(driver, binaries) {
		if err := c.Run(ctx, program); err != nil {
			return err
		}
	}
	return nil
}

// csiPrograms returns the driver and, one after the other, what calls it.
func (c *Cluster) csiPrograms(driver, binaries string) []localcluster.Program {
	programs := []localcluster.Program{{
		Name: csiDriver, Path: driver, Ready: c.csiRegistered,
		Args: []string{
			"-name=" + CSIDriver, "-node=" + c.name, "-folder=" + filepath.Join(c.dir, "csi"), "-socket=" + csiSocket,
			"-kubelet=" + filepath.Join(c.dir, "kubelet"),
		},
	}}
	for i, name := range []string{csiProvisioner, csiSnapshotter, snapshotController} {
		status := fmt.Sprintf("127.0.0.1:%d", 10300+i) // Nothing else has ports there, on the cluster's machine.
		args := []string{"--kubeconfig=" + c.config("csi"), "--http-endpoint=" + status}
		if name != snapshotController {
			args = append(args, "--csi-address="+csiSocket)
		}
		programs = append(programs, localcluster.Program{
			Name: name, Path: filepath.Join(binaries, name), Args: args, Ready: c.healthy("http://" + status + "/metrics"),
		})
	}
	return programs
}

func (c *Cluster) csiRegistered(ctx context.Context) error {
	node, err := c.client.StorageV1().CSINodes().Get(ctx, c.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, driver := range node.Spec.Drivers {
		if driver.Name == CSIDriver {
			return nil
		}
	}
	return fmt.Errorf("the kubelet of node %s does not know driver %s", c.name, CSIDriver)
}

func (c *Cluster) makeCSIClasses(ctx context.Context) error {
	// No RESTMapper of before the CRDs.
	made, err := client.New(c.Config(), client.Options{})
	if err != nil {
		return err
	}
	snapshotClass := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
		"metadata":       map[string]any{"name": CSIClass},
		"driver":         CSIDriver,
		"deletionPolicy": "Delete",
	}}
	driver := &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: CSIDriver},
		Spec:       storagev1.CSIDriverSpec{AttachRequired: new(false), FSGroupPolicy: new(storagev1.FileFSGroupPolicy)},
	}
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: CSIClass}, Provisioner: CSIDriver}
	return errors.Join(made.Create(ctx, driver), made.Create(ctx, class), made.Create(ctx, snapshotClass))
}

// CSIVolumeFolder returns the path, on this machine, of what a PersistentVolume of CSIClass holds, given its volumeHandle. Of a block
// device it is a file.
func (c *Cluster) CSIVolumeFolder(handle string) string {
	return filepath.Join(c.dir, "csi", "volumes", handle)
}
