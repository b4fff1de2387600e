package localnode

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/godwit-io/godwit/hack/localnode/loop"
)

// The StorageClasses of each cluster.
const (
	// LocalClass is the default one. Its volumes are folders, provisioned when a pod needs them, and a kubelet gives them a pod's fsGroup.
	// Like a fresh file system they belong to root, who alone may write. Where a claim wants a block device, it gets one of a file.
	LocalClass = "local"
	// HostPathClass has kube-controller-manager provision folders at once. A kubelet ignores fsGroup there.
	HostPathClass = "host-path"
)

const (
	localProvisioner    = "localnode/folders"
	hostPathProvisioner = "kubernetes.io/host-path"

	annotationProvisioner   = "volume.kubernetes.io/storage-provisioner" // Set by kube-controller-manager once it is time.
	annotationProvisionedBy = "pv.kubernetes.io/provisioned-by"
)

// VolumeFolder returns the path, on this machine, of what a PersistentVolume of LocalClass holds. Of a block device it is a file.
func (c *Cluster) VolumeFolder(persistentVolume string) string {
	return filepath.Join(c.dir, "volumes", persistentVolume)
}

// provisioner makes the volumes of LocalClass, and removes them.
type provisioner struct {
	client  client.Client
	cluster *Cluster
	cancel  context.CancelFunc
	ended   chan error
}

func startProvisioner(ctx context.Context, c *Cluster) (*provisioner, error) {
	manager, err := ctrl.NewManager(c.Config(), ctrl.Options{
		Logger:     funcr.New(func(string, string) {}, funcr.Options{}), // Not logr.Discard, which counts as none.
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)}, // There are clusters of the same names in this process.
	})
	if err != nil {
		return nil, err
	}
	if err := makeClasses(ctx, manager.GetClient()); err != nil {
		return nil, err
	}
	p := &provisioner{client: manager.GetClient(), cluster: c, ended: make(chan error, 1)}
	if err := errors.Join(
		ctrl.NewControllerManagedBy(manager).For(&corev1.PersistentVolumeClaim{}).
			Complete(reconcile.AsReconciler(p.client, objectReconciler[*corev1.PersistentVolumeClaim](p.provision))),
		ctrl.NewControllerManagedBy(manager).For(&corev1.PersistentVolume{}).
			Complete(reconcile.AsReconciler(p.client, objectReconciler[*corev1.PersistentVolume](p.remove))),
	); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go func() { p.ended <- manager.Start(running) }()
	return p, nil
}

// stop returns when nothing of the provisioner is left.
func (p *provisioner) stop() error {
	p.cancel()
	return <-p.ended
}

func makeClasses(ctx context.Context, c client.Client) error {
	return errors.Join(
		c.Create(ctx, &storagev1.StorageClass{
			ObjectMeta:        metav1.ObjectMeta{Name: LocalClass, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
			Provisioner:       localProvisioner,
			VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer),
		}),
		c.Create(ctx, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: HostPathClass}, Provisioner: hostPathProvisioner}))
}

// objectReconciler is a function in the form that controllers call.
type objectReconciler[T client.Object] func(context.Context, T) error

func (f objectReconciler[T]) Reconcile(ctx context.Context, object T) (ctrl.Result, error) {
	return ctrl.Result{}, f(ctx, object)
}

// provision makes the volume for a claim, once kube-controller-manager has decided that it is time. Claims of copies of something stay
// Pending.
func (p *provisioner) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Annotations[annotationProvisioner] != localProvisioner || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil ||
		claim.Spec.DataSourceRef != nil {
		return nil
	}
	class := &storagev1.StorageClass{}
	if err := p.client.Get(ctx, client.ObjectKey{Name: *claim.Spec.StorageClassName}, class); err != nil {
		return err
	}
	volume := p.volume(claim, class)
	var err error
	if volume.Spec.Local.Path, err = p.makeContent(ctx, volume); err != nil {
		return err
	}
	return client.IgnoreAlreadyExists(p.client.Create(ctx, volume))
}

// makeContent returns the path of a folder, or of the block device of a file.
func (p *provisioner) makeContent(ctx context.Context, volume *corev1.PersistentVolume) (string, error) {
	path := p.cluster.VolumeFolder(volume.Name)
	if *volume.Spec.VolumeMode != corev1.PersistentVolumeBlock {
		return path, os.MkdirAll(path, 0o755)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	if err := errors.Join(file.Truncate(volume.Spec.Capacity.Storage().Value()), file.Close()); err != nil {
		return "", err
	}
	return loop.Attach(ctx, path)
}

func (p *provisioner) volume(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{annotationProvisionedBy: localProvisioner}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:              class.Name,
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			VolumeMode:                    claim.Spec.VolumeMode,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{},
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{p.cluster.name}},
				},
			}}}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
}

// remove removes a volume whose claim is gone, with what it holds, unless it is to be retained.
func (p *provisioner) remove(ctx context.Context, volume *corev1.PersistentVolume) error {
	if volume.Annotations[annotationProvisionedBy] != localProvisioner || volume.Status.Phase != corev1.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || volume.DeletionTimestamp != nil {
		return nil
	}
	path := p.cluster.VolumeFolder(volume.Name) // Not that in the object, which others may have written.
	if volume.Spec.VolumeMode != nil && *volume.Spec.VolumeMode == corev1.PersistentVolumeBlock {
		if err := loop.Detach(ctx, path); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return client.IgnoreNotFound(p.client.Delete(ctx, volume))
}
