package resourcetransformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/transform"
	"github.com/godwit-io/godwit/internal/workload/field"
)

const (
	fieldOwner = "godwit"
	// longestPrefix of a name that is made up for a new object leaves room within 63 characters.
	longestPrefix = 40
)

// tryOne tries one object and fills in info. Its error is one that may be gone the next time.
func (d *dryRun) tryOne(ctx context.Context, p *plan, object *unstructured.Unstructured, info *storkv1alpha1.TransformResourceInfo) error {
	changed := object.DeepCopy()
	differs, err := transform.ApplyTransformation(d.transformation.Spec, changed)
	switch {
	case err != nil:
		fail(info, err)
		return nil
	case !differs:
		info.Reason = "it is already as the specs say"
		return nil
	}
	client := d.Dynamic.Resource(p.resource).Namespace(d.transformation.Namespace)
	err = tryPatch(ctx, client, object, changed)
	switch {
	case transient(err):
		return err
	case apierrors.IsInvalid(err):
		return d.tryAnew(ctx, client, object, info, err)
	case err != nil:
		fail(info, err)
	}
	return nil
}

// tryPatch asks the API server whether the object may be changed like that. Unlike an update, a patch does not collide with
// others who change the object. Unknown fields are refused, since a Migration could not write them either.
func tryPatch(ctx context.Context, client dynamic.ResourceInterface, before, after *unstructured.Unstructured) error {
	from, err := json.Marshal(before)
	if err != nil {
		return err
	}
	to, err := json.Marshal(after)
	if err != nil {
		return err
	}
	patch, err := jsonpatch.CreateMergePatch(from, to)
	if err != nil {
		return fmt.Errorf("comparing the object with what it becomes: %w", err)
	}
	_, err = client.Patch(ctx, before.GetName(), types.MergePatchType, patch, metav1.PatchOptions{
		DryRun: []string{metav1.DryRunAll}, FieldManager: fieldOwner, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

// tryAnew asks the API server whether it would accept the object as a new one. inPlace is why it may not be changed.
func (d *dryRun) tryAnew(
	ctx context.Context, client dynamic.ResourceInterface, object *unstructured.Unstructured,
	info *storkv1alpha1.TransformResourceInfo, inPlace error,
) error {
	result, err := d.pipeline.Run(object.DeepCopy())
	if err != nil {
		fail(info, err)
		return nil
	}
	rename(result.Object)
	releaseNodePorts(result.Object)
	_, err = client.Create(ctx, result.Object, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldManager: fieldOwner, FieldValidation: metav1.FieldValidationStrict,
	})
	switch {
	case transient(err):
		return err
	case err == nil:
		info.Reason = limit("accepted as a new object; the existing one could not be changed: "+describe(info, inPlace), reasonLimit)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		fail(info, err)
	default:
		fail(info, fmt.Errorf("as a new object: %w; in place: %s", err, describe(info, inPlace)))
	}
	return nil
}

// rename has the API server make up a name, since the object's own is taken.
func rename(object *unstructured.Unstructured) {
	prefix := object.GetName()[:min(len(object.GetName()), longestPrefix)]
	object.SetGenerateName(strings.TrimRight(prefix, "-.") + "-")
	object.SetName("")
}

// releaseNodePorts lets a Service with node ports have others, since its own are taken: by itself.
func releaseNodePorts(object *unstructured.Unstructured) {
	spec := field.Map(object.Object, "spec")
	service := object.GroupVersionKind() == corev1.SchemeGroupVersion.WithKind("Service")
	if !service || field.String(spec, "type") == string(corev1.ServiceTypeClusterIP) {
		return
	}
	for port := range field.Maps(spec, "ports") {
		delete(port, "nodePort")
	}
}

// transient tells whether an error may be gone the next time: it is not an answer to what was asked. Not found is the object
// that was deleted since it was listed.
func transient(err error) bool {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return false
	case !errors.As(err, &status):
		return true
	}
	return apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsConflict(err) ||
		apierrors.IsResourceExpired(err) || apierrors.IsNotFound(err)
}
