package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// activationPath is where the API server asks, in the form that paths of kinds have.
const activationPath = "/mutate-stork-libopenstorage-org-v1alpha1-migrationschedule"

// activation carries status.applicationActivated of a MigrationSchedule over where a client, such as Stork's own storkctl, writes it
// by an update of the whole object. The API server shows such a status to mutating webhooks and drops it afterwards, so it is noted
// in an annotation, which the controller moves into the status. Whoever writes either of them must be allowed to write the status.
type activation struct {
	requesters *requesters
}

// told is what a MigrationSchedule says of its applications, in either place.
type told struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Status struct {
		ApplicationActivated bool `json:"applicationActivated"`
	} `json:"status"`
}

// Handle implements admission.Handler.
func (a *activation) Handle(ctx context.Context, request admission.Request) admission.Response {
	before, errBefore := toldBy(request.OldObject)
	after, errAfter := toldBy(request.Object)
	if err := errors.Join(errBefore, errAfter); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	err := a.requesters.require(admission.NewContextWithRequest(ctx, request), tellOfApplications, request.Namespace)
	if _, ok := errors.AsType[*missingError](err); ok {
		resource := schema.GroupResource{Group: storkv1alpha1.GroupName, Resource: "migrationschedules"}
		forbidden := apierrors.NewForbidden(resource, request.Name, err)
		return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Result: &forbidden.ErrStatus}}
	}
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	if activated := after.Status.ApplicationActivated; activated != before.Status.ApplicationActivated {
		return note(request.Object.Raw, activated)
	}
	return admission.Allowed("")
}

// toldBy reads no more than it needs: whether the rest is valid is judged by others.
func toldBy(object runtime.RawExtension) (told, error) {
	var found told
	if len(object.Raw) == 0 {
		return found, nil
	}
	return found, json.Unmarshal(object.Raw, &found)
}

// note adds the annotation.
func note(raw []byte, activated bool) admission.Response {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[storkv1alpha1.AnnotationApplicationActivated] = strconv.FormatBool(activated)
	object.SetAnnotations(annotations)
	noted, err := object.MarshalJSON()
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(raw, noted)
}
