package migration

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

var (
	claimsResource  = corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
	volumesResource = corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	classesResource = storagev1.SchemeGroupVersion.WithResource("storageclasses")
)

// moves finds the bound claims whose data the Migration includes.
func (r *run) moves(ctx context.Context) ([]volume.Move, error) {
	spec := r.job.migration.Spec
	var moves []volume.Move
	for _, namespace := range r.job.namespaces {
		var claims corev1.PersistentVolumeClaimList
		if err := r.list(ctx, claimsResource, namespace.Source, labels.SelectorFromSet(spec.Selectors), &claims); err != nil {
			return nil, err
		}
		for i := range claims.Items {
			claim := &claims.Items[i]
			if claim.Status.Phase == corev1.ClaimBound && !excluded(claim, spec.ExcludeSelectors) {
				moves = append(moves, volume.Move{Binding: volume.Binding{Claim: claim}, DestinationNamespace: namespace.Destination})
			}
		}
	}
	if len(moves) == 0 {
		return nil, nil
	}
	return moves, r.complete(ctx, moves)
}

// complete adds volumes and classes to claims: one LIST each, however many there are.
func (r *run) complete(ctx context.Context, moves []volume.Move) error {
	var volumes corev1.PersistentVolumeList
	if err := r.list(ctx, volumesResource, "", labels.Everything(), &volumes); err != nil {
		return err
	}
	var classes storagev1.StorageClassList
	if err := r.list(ctx, classesResource, "", labels.Everything(), &classes); err != nil {
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
func (r *run) list(ctx context.Context, resource schema.GroupVersionResource, namespace string, selector labels.Selector, into runtime.Object) error {
	found, err := r.Source.Dynamic.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return fmt.Errorf("listing %s at the source: %w", resource.Resource, err)
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(found.UnstructuredContent(), into)
}

// excluded tells whether a claim is left out, by a label that it has or by the annotation that leaves its object out too.
func excluded(claim *corev1.PersistentVolumeClaim, excludeSelectors map[string]string) bool {
	for key, value := range excludeSelectors {
		if have, ok := claim.Labels[key]; ok && have == value {
			return true
		}
	}
	value, ok := claim.Annotations[storkv1alpha1.AnnotationSkipResource]
	if !ok {
		value = claim.Annotations[storkv1alpha1.AnnotationSkipResourceDeprecated]
	}
	skip, err := strconv.ParseBool(value)
	return err == nil && skip
}
