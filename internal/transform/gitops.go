package transform

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

const (
	argoPrefix     = "argocd.argoproj.io/"
	argoTrackingID = argoPrefix + "tracking-id"
	labelInstance  = "app.kubernetes.io/instance"
)

// gitOps removes the marks by which a GitOps controller takes an object for its own. A controller of the same name at the
// destination would delete what its own repository does not have.
//
// The rule: marks that name an owner which does not travel go, everything that a user writes stays.
//   - Argo CD: the annotations tracking-id and installation-id, the label argocd.argoproj.io/instance, and the label
//     app.kubernetes.io/instance where the object shows that it is Argo's: the tracking-id names the same application, or there
//     is another label or annotation of Argo CD. Without that it is the label that Helm charts and users set, and stays.
//   - Flux: labels of kustomize.toolkit.fluxcd.io and helm.toolkit.fluxcd.io. Annotations of these are settings of the user.
//   - Helm: everything stays. The release is a Secret of the namespace and travels along, so Helm goes on at the destination.
type gitOps struct{}

func (gitOps) Name() string { return "GitOps" }

func (gitOps) Transform(obj *unstructured.Unstructured, _ Source) (bool, error) {
	metadata := field.Map(obj.Object, "metadata")
	labels, annotations := field.Map(metadata, "labels"), field.Map(metadata, "annotations")
	changed := false
	if isInstanceOfArgo(labels, annotations) {
		changed = field.RemoveLabels(obj, labelInstance)
	}
	changed = field.RemoveAnnotations(obj, argoTrackingID, argoPrefix+"installation-id") || changed
	changed = field.RemoveLabels(obj, argoPrefix+"instance") || changed
	for key := range labels {
		if strings.HasPrefix(key, "kustomize.toolkit.fluxcd.io/") || strings.HasPrefix(key, "helm.toolkit.fluxcd.io/") {
			changed = field.RemoveLabels(obj, key) || changed
		}
	}
	return changed, nil
}

func isInstanceOfArgo(labels, annotations map[string]any) bool {
	instance, ok := labels[labelInstance].(string)
	if !ok {
		return false
	}
	application, _, tracked := strings.Cut(field.String(annotations, argoTrackingID), ":")
	return tracked && application == instance || hasArgoKey(labels) || hasArgoKey(annotations)
}

// hasArgoKey tells whether one of the keys that stay with the object is Argo CD's.
func hasArgoKey(object map[string]any) bool {
	for key := range object {
		if strings.HasPrefix(key, argoPrefix) && key != argoTrackingID {
			return true
		}
	}
	return false
}
