package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

const (
	annotationBetaClass     = "volume.beta.kubernetes.io/storage-class"
	annotationProvisionedBy = "pv.kubernetes.io/provisioned-by"
	// noProvisioner is the provisioner of classes whose volumes somebody makes by hand: it is no kind of storage.
	noProvisioner = "kubernetes.io/no-provisioner"
)

// defaultAnnotations mark the class of claims that name none.
var defaultAnnotations = []string{"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"}

// className returns the class of a claim at the destination: what the user wants, or else the class of the same name, or else one of
// the same provisioner, or else the default. Empty is a claim without a class, which only the user can want.
func className(move volume.Move, classes []storagev1.StorageClass) (string, error) {
	if wanted := move.Target.StorageClass; wanted != nil {
		if *wanted == "" || find(classes, *wanted) != nil {
			return *wanted, nil
		}
		return "", fmt.Errorf("PersistentVolumeClaim %s shall have StorageClass %s at the destination, where %s: change spec.volumes of the "+
			"Migration, or make that class there", name(move.Claim), *wanted, list(classes))
	}
	source := classOf(move.Claim)
	if class := find(classes, source); class != nil {
		return class.Name, nil
	}
	sorted := slices.SortedFunc(slices.Values(classes), byPreference)
	for _, fits := range []func(storagev1.StorageClass) bool{ofProvisioner(provisionerOf(move.Binding)), isDefault} {
		if index := slices.IndexFunc(sorted, fits); index >= 0 {
			return sorted[index].Name, nil
		}
	}
	return "", fmt.Errorf("PersistentVolumeClaim %s has StorageClass %q, for which the destination has no class of the same name or "+
		"provisioner, nor a default class; there %s: name one in spec.volumes.storageClassMappings", name(move.Claim), source, list(classes))
}

func find(classes []storagev1.StorageClass, name string) *storagev1.StorageClass {
	for i := range classes {
		if classes[i].Name == name {
			return &classes[i]
		}
	}
	return nil
}

// list says which classes there are.
func list(classes []storagev1.StorageClass) string {
	if len(classes) == 0 {
		return "there is no StorageClass"
	}
	names := make([]string, len(classes))
	for i := range classes {
		names[i] = classes[i].Name
	}
	slices.Sort(names)
	return "there are StorageClasses " + strings.Join(names, ", ")
}

// classOf names the class of a claim, empty if it has none.
func classOf(claim *corev1.PersistentVolumeClaim) string {
	if beta := claim.Annotations[annotationBetaClass]; beta != "" {
		return beta
	}
	if class := claim.Spec.StorageClassName; class != nil {
		return *class
	}
	return ""
}

// provisionerOf names what makes volumes of a kind, empty if nothing is known to.
func provisionerOf(binding volume.Binding) string {
	var found string
	if pv := binding.Volume; pv != nil {
		if pv.Spec.CSI != nil {
			found = pv.Spec.CSI.Driver
		}
		found = cmp.Or(found, pv.Annotations[annotationProvisionedBy])
	}
	if found == "" && binding.Class != nil {
		found = binding.Class.Provisioner
	}
	return found
}

func ofProvisioner(wanted string) func(storagev1.StorageClass) bool {
	return func(class storagev1.StorageClass) bool {
		return wanted != "" && wanted != noProvisioner && class.Provisioner == wanted
	}
}

// provisions tells whether volumes of a class are made when a claim asks for one.
func provisions(name string, classes []storagev1.StorageClass) bool {
	class := find(classes, name)
	return class != nil && class.Provisioner != noProvisioner
}

func isDefault(class storagev1.StorageClass) bool {
	return slices.ContainsFunc(defaultAnnotations, func(key string) bool { return class.Annotations[key] == "true" })
}

// byPreference sorts the default class before others. Of several defaults the youngest counts, as for claims without a class.
func byPreference(a, b storagev1.StorageClass) int {
	switch first, second := isDefault(a), isDefault(b); {
	case first && !second:
		return -1
	case second && !first:
		return 1
	case first && !a.CreationTimestamp.Equal(&b.CreationTimestamp):
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	default:
		return cmp.Compare(a.Name, b.Name)
	}
}

// expands tells whether volumes of a class can grow.
func expands(claim *corev1.PersistentVolumeClaim, classes []storagev1.StorageClass) bool {
	class := find(classes, classOf(claim))
	return class != nil && class.AllowVolumeExpansion != nil && *class.AllowVolumeExpansion
}
