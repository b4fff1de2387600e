package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// validator judges objects of a kind when they are created, and when what they ask for is changed: the API server does not call
// the webhook for other changes (matchConditions in config/webhook), so that nothing invalid from earlier days gets stuck.
type validator[T client.Object] struct {
	kind, resource string
	// check returns what is wrong with the object itself, each problem with its field.
	check func(T) error
	// checkChange returns why an object cannot be changed; nil where all can.
	checkChange func(before, after T) error
	// authorize returns a *missingError if the requester lacks a right. Nil means that no right is needed.
	authorize func(context.Context, T) error
	// authorized tells that a change needs no right, because all that would need one is as it was; nil where every change does.
	authorized func(before, after T) bool
}

func (v *validator[T]) ValidateCreate(ctx context.Context, object T) (admission.Warnings, error) {
	return nil, v.validate(ctx, object, v.authorize)
}

func (v *validator[T]) ValidateUpdate(ctx context.Context, before, object T) (admission.Warnings, error) {
	if v.checkChange != nil {
		if err := v.checkChange(before, object); err != nil {
			return nil, v.invalid(object, err)
		}
	}
	if v.authorized != nil && v.authorized(before, object) {
		return nil, v.validate(ctx, object, nil)
	}
	return nil, v.validate(ctx, object, v.authorize)
}

func (v *validator[T]) ValidateDelete(context.Context, T) (admission.Warnings, error) {
	return nil, nil
}

func (v *validator[T]) validate(ctx context.Context, object T, authorize func(context.Context, T) error) error {
	if err := v.check(object); err != nil {
		return v.invalid(object, err)
	}
	if authorize == nil {
		return nil
	}
	err := authorize(ctx, object)
	if _, ok := errors.AsType[*missingError](err); ok {
		resource := schema.GroupResource{Group: storkv1alpha1.GroupName, Resource: v.resource}
		return apierrors.NewForbidden(resource, object.GetName(), errors.New(oneLine(err)))
	}
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	return nil
}

// invalid is the answer that kubectl prints for an object that breaks a rule of its schema; the problems name their fields.
func (v *validator[T]) invalid(object T, problems error) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusUnprocessableEntity,
		Reason:  metav1.StatusReasonInvalid,
		Message: fmt.Sprintf("%s %q is invalid: %s", v.kind, object.GetName(), oneLine(problems)),
	}}
}

// oneLine is the text of errors that were joined.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// register serves the validator at the path that follows from its kind.
func register[O any, T interface {
	*O
	client.Object
}](mgr ctrl.Manager, v *validator[T]) error {
	return ctrl.NewWebhookManagedBy(mgr, T(new(O))).WithValidator(v).Complete()
}
