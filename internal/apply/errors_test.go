package apply

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func entryOf(resource, kind string) *entry {
	return &entry{target: target{
		resource: schema.GroupVersionResource{Version: "v1", Resource: resource}, kind: kind, namespaced: true,
		NamespacedName: types.NamespacedName{Namespace: "shop", Name: "web"},
	}}
}

func TestFailureShowsNoContentsOfASecret(t *testing.T) {
	const value = "hunter2"
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"invalid value": {
			apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "web", field.ErrorList{field.Invalid(field.NewPath("data").Key("x"), value, "no")}),
			"creating Secret shop/web: refused as Invalid at data[x]",
		},
		"webhook": {
			apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "web", errors.New(`admission webhook "w.example.com" denied the request: `+value+" is weak")),
			`secrets "web" is forbidden: admission webhook "w.example.com" denied the request`,
		},
		"policy": {
			&apierrors.StatusError{ErrStatus: metav1.Status{Code: 422, Reason: metav1.StatusReasonInvalid,
				Message: "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: " + value,
				Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: value, Field: value}}}}},
			"ValidatingAdmissionPolicy 'p' with binding 'b' denied request",
		},
		"unreadable":  {apierrors.NewBadRequest("illegal base64 data in " + value), "refused as BadRequest"},
		"broken":      {apierrors.NewInternalError(errors.New("webhook said " + value)), "refused as InternalError"},
		"permissions": {apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "web", errors.New(`User "u" cannot create resource "secrets"`)), `User "u" cannot create`},
		"quota":       {apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "web", errors.New("exceeded quota: q, requested: 1")), "exceeded quota"},
		"overload":    {apierrors.NewTooManyRequests("slow down", 1), "slow down"},
		"network":     {errors.New("connection refused"), "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := entryOf("secrets", "Secret").failure("creating", test.err)
			if strings.Contains(err.Error(), value) {
				t.Errorf("%q shows the value", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q does not say %q", err, test.want)
			}
			if inner, ok := errors.AsType[*apierrors.StatusError](err); ok && strings.Contains(inner.Error(), value) {
				t.Errorf("the wrapped error %q shows the value", inner)
			}
			if apierrors.ReasonForError(err) != apierrors.ReasonForError(test.err) {
				t.Errorf("the reason became %q", apierrors.ReasonForError(err))
			}
		})
	}
}

func TestFailureKeepsWhatOtherKindsAreToldAndAddsAdvice(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"invalid": {
			apierrors.NewInvalid(schema.GroupKind{Kind: "ConfigMap"}, "web", field.ErrorList{field.Invalid(field.NewPath("data"), "blue", "no")}),
			`data: Invalid value: "blue"`,
		},
		"permission":        {apierrors.NewForbidden(schema.GroupResource{}, "web", errors.New(`User "u" cannot create`)), "give the ClusterPair's user that permission"},
		"credential":        {apierrors.NewUnauthorized(""), "renew the credential"},
		"missing namespace": {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), "create the namespace"},
		"unknown kind": {apierrors.NewGenericServerResponse(404, "GET", schema.GroupResource{}, "", "404 page not found", 0, true),
			"does not serve this version of the kind"},
	} {
		t.Run(name, func(t *testing.T) {
			err := entryOf("configmaps", "ConfigMap").failure("creating", test.err)
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "creating ConfigMap shop/web: ") {
				t.Errorf("%q does not say %q", err, test.want)
			}
		})
	}
}

func TestFailureIsBrief(t *testing.T) {
	cause := apierrors.NewBadRequest("begin " + strings.Repeat("ü", 5000) + " end")
	err := entryOf("configmaps", "ConfigMap").failure("creating", cause)
	if len(err.Error()) > longestMessage+10 || !strings.Contains(err.Error(), "begin") || !strings.Contains(err.Error(), "end") {
		t.Errorf("got %d bytes: %q", len(err.Error()), err)
	}
	if !apierrors.IsBadRequest(err) || strings.Contains(err.Error(), "\uFFFD") {
		t.Error("its cause was lost, or a character cut")
	}
}

func TestIsImmutable(t *testing.T) {
	invalid := func(detail string) error {
		return apierrors.NewInvalid(schema.GroupKind{}, "x", field.ErrorList{field.Invalid(field.NewPath("spec"), "x", detail)})
	}
	forbidden := func(detail string) error {
		return apierrors.NewInvalid(schema.GroupKind{}, "x", field.ErrorList{field.Forbidden(field.NewPath("spec"), detail)})
	}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"a selector":            {invalid("field is immutable"), true},
		"a role":                {invalid("cannot change roleRef"), true},
		"a StatefulSet":         {forbidden("updates to statefulset spec for fields other than 'replicas' are forbidden"), true},
		"a StorageClass":        {forbidden("updates to parameters are forbidden."), true},
		"a priority":            {forbidden("may not be changed in an update."), true},
		"an address":            {invalid("may not change once set"), true},
		"a frozen map":          {forbidden("field is immutable when `immutable` is set"), true},
		"a wrong value":         {invalid("must be positive"), false},
		"another error":         {apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("immutable")), false},
		"no error":              {nil, false},
		"no answer of a server": {errors.New("field is immutable"), false},
		"a missing element":     {apierrors.NewInvalid(schema.GroupKind{}, "x", field.ErrorList{field.Required(field.NewPath("spec"), "")}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isImmutable(test.err); got != test.want {
				t.Errorf("got %t for %v", got, test.err)
			}
		})
	}
}
