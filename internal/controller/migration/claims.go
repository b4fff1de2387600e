package migration

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/volume"
)

var (
	claimsResource  = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	volumesResource = corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	classesResource = storagev1.SchemeGroupVersion.WithResource("storageclasses")
)

// moves finds the claims whose data the Migration includes: those whose objects it would bring now.
func (r *run) moves(ctx context.Context) ([]volume.Move, error) {
	flow, err := r.flow(ctx)
	if err != nil {
		return nil, err
	}
	request := flow.request()
	request.VolumesOnly = true
	set, err := flow.collect(ctx, request)
	if err != nil {
		return nil, err
	}
	var moves []volume.Move
	for _, object := range set.Objects {
		if object.Kind.Resource.GroupResource() != claimsResource.GroupResource() {
			continue
		}
		claim := &corev1.PersistentVolumeClaim{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, claim); err != nil {
			return nil, fmt.Errorf("reading PersistentVolumeClaim %s/%s: %w", object.GetNamespace(), object.GetName(), err)
		}
		moves = append(moves, volume.Move{
			Binding: volume.Binding{Claim: claim}, DestinationNamespace: object.DestinationNamespace, Target: targetOf(r.volumesSpec(), claim),
		})
	}
	slices.SortFunc(moves, func(a, b volume.Move) int {
		return compareNames(client.ObjectKeyFromObject(a.Claim), client.ObjectKeyFromObject(b.Claim))
	})
	return moves, r.complete(ctx, moves)
}

// complete adds volumes and classes to claims: one LIST each, however many there are.
func (r *run) complete(ctx context.Context, moves []volume.Move) error {
	if len(moves) == 0 {
		return nil
	}
	var volumes corev1.PersistentVolumeList
	if err := r.list(ctx, volumesResource, "", &volumes); err != nil {
		return err
	}
	var classes storagev1.StorageClassList
	if err := r.list(ctx, classesResource, "", &classes); err != nil {
		return err
	}
	volumeByName := map[string]*corev1.PersistentVolume{}
	for i := range volumes.Items {
		volumeByName[volumes.Items[i].Name] = &volumes.Items[i]
	}
	classByName := map[string]*storagev1.StorageClass{}
	for i := range classes.Items {
		classByName[classes.Items[i].Name] = &classes.Items[i]
	}
	for i := range moves {
		claim := moves[i].Claim
		moves[i].Volume = volumeByName[claim.Spec.VolumeName]
		if name := claim.Spec.StorageClassName; name != nil {
			moves[i].Class = classByName[*name]
		}
	}
	return nil
}

// list reads all objects of a kind at the source as typed ones.
func (r *run) list(ctx context.Context, resource schema.GroupVersionResource, namespace string, into runtime.Object) error {
	found, err := r.Source.Dynamic.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing %s at the source: %w", resource.Resource, err)
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(found.UnstructuredContent(), into)
}
