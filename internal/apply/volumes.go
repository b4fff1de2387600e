package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var volumeResource = schema.GroupResource{Resource: "persistentvolumes"}

// volumeSettings are the fields of a PersistentVolume's spec that do not say where its data are.
var volumeSettings = []string{
	"accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName",
	"volumeAttributesClassName", "volumeMode",
}

// mergeVolume updates labels, annotations, the reclaim policy, the class and, upward, the capacity. Where the data are cannot be
// changed. The claim that the volume is bound to stays, unless that claim is gone and the plan brings it again.
func mergeVolume(r *run, e *entry) (*unstructured.Unstructured, error) {
	merged := e.live.object.DeepCopy()
	spec, wanted := child(merged.Object, "spec"), child(e.object().Object, "spec")
	if path, same := difference(without(wanted, volumeSettings...), spec); !same {
		return nil, fmt.Errorf("%s exists at the destination with another spec.%s, so it holds other data: "+
			"delete it there if they are not needed, or leave it out of the migration", e.target, path)
	}
	mergeMetadata(child(merged.Object, "metadata"), child(e.object().Object, "metadata"), nil)
	for _, field := range []string{"persistentVolumeReclaimPolicy", "storageClassName"} {
		if value, _ := wanted[field].(string); value != "" {
			spec[field] = value
		}
	}
	growTo(child(spec, "capacity"), child(wanted, "capacity"))
	if claim := child(spec, "claimRef"); len(claim) == 0 && wanted["claimRef"] != nil {
		spec["claimRef"] = wanted["claimRef"]
		r.claimFor(merged)
	} else if child(merged.Object, "status")["phase"] == "Released" && r.bringsAnew(claim) {
		delete(claim, "uid")
		delete(claim, "resourceVersion")
	}
	return merged, nil
}

// claimFor names in a volume the very claim that lost it, if that is there: by its name alone it would not be bound again.
func (r *run) claimFor(volume *unstructured.Unstructured) {
	claim := child(child(volume.Object, "spec"), "claimRef")
	e := r.claim(claim)
	if e != nil && e.live != nil && e.live.volume == volume.GetName() && claim["uid"] == nil {
		spec := overlay(child(volume.Object, "spec"), map[string]any{"claimRef": overlay(claim, map[string]any{"uid": string(e.live.uid)})})
		volume.Object = overlay(volume.Object, map[string]any{"spec": spec})
	}
}

// bringsAnew tells whether a claim is in the plan, and is not the one at the destination that the reference means.
func (r *run) bringsAnew(reference map[string]any) bool {
	e := r.claim(reference)
	return e != nil && (e.live == nil || reference["uid"] != string(e.live.uid))
}

// checkVolume refuses a claim whose volume did not arrive: another one of that name at the destination holds other data.
func (r *run) checkVolume(e *entry) error {
	if e.target.resource.GroupResource() != claimResource {
		return nil
	}
	name, _ := child(e.object().Object, "spec")["volumeName"].(string)
	if volume := r.byName[objectName{volumeResource, types.NamespacedName{Name: name}}]; volume != nil && volume.err != nil {
		return fmt.Errorf("%s was not brought because PersistentVolume %s did not arrive: see there", e.target, name)
	}
	return nil
}

// claim returns the entry of a claim that a volume refers to; nil if the plan does not bring it. Claims are written after volumes.
func (r *run) claim(reference map[string]any) *entry {
	namespace, _ := reference["namespace"].(string)
	name, _ := reference["name"].(string)
	return r.byName[objectName{claimResource, types.NamespacedName{Namespace: namespace, Name: name}}]
}

// mergeClaim updates labels, annotations and, upward, the size that is asked for. All else cannot be changed once it is set.
func mergeClaim(r *run, e *entry) (*unstructured.Unstructured, error) {
	merged := e.live.object.DeepCopy()
	spec, wanted := child(merged.Object, "spec"), child(e.object().Object, "spec")
	volume, _ := spec["volumeName"].(string)
	if child(merged.Object, "status")["phase"] == "Lost" && r.byName[objectName{volumeResource, types.NamespacedName{Name: volume}}] == nil {
		return nil, fmt.Errorf("%s is Lost at the destination, because PersistentVolume %s is gone: delete the claim there and run again", e.target, volume)
	}
	fixed := without(wanted, "resources", "volumeAttributesClassName")
	if volume == "" {
		fixed = without(fixed, "volumeName")
		if wanted["volumeName"] != nil {
			spec["volumeName"] = wanted["volumeName"]
		}
	}
	if path, same := difference(fixed, spec); !same {
		return nil, fmt.Errorf("%s exists at the destination with another spec.%s, which cannot be changed: "+
			"delete it there (the reclaim policy of its volume decides about the data), or leave it out of the migration", e.target, path)
	}
	mergeMetadata(child(merged.Object, "metadata"), child(e.object().Object, "metadata"), nil)
	if class := wanted["volumeAttributesClassName"]; class != nil {
		spec["volumeAttributesClassName"] = class
	}
	growTo(child(child(spec, "resources"), "requests"), child(child(wanted, "resources"), "requests"))
	return merged, nil
}

// growTo raises the storage to what is wanted. Storage never shrinks: a claim may have grown at the destination on its own.
func growTo(sizes, wanted map[string]any) {
	have, _ := sizes["storage"].(string)
	want, _ := wanted["storage"].(string)
	present, err := resource.ParseQuantity(have)
	if err != nil {
		return
	}
	if future, err := resource.ParseQuantity(want); err == nil && future.Cmp(present) > 0 {
		sizes["storage"] = want
	}
}
