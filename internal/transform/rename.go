package transform

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// labelNamespaceName is on every Namespace and holds its name.
const labelNamespaceName = "kubernetes.io/metadata.name"

// rename puts the names that migrated namespaces have at the destination in the place of those at the source: where the object
// is, and where it refers to one: subjects of role bindings in all three forms of a service account, the claim of a volume,
// services behind webhooks, and selectors and lists of namespaces in NetworkPolicies, webhooks and pod affinity. Names in free
// text, such as host names of services, are left to ResourceTransformations.
//
// It maps names at the source to other names only, so it does nothing as long as no namespace is renamed.
type rename map[string]string

func newRename(namespaces map[string]string) rename {
	r := rename{}
	for from, to := range namespaces {
		if to != "" && from != to {
			r[from] = to
		}
	}
	return r
}

func (rename) Name() string { return "Namespace" }

func (r rename) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if len(r) == 0 {
		return false, nil
	}
	changed := r.at(field.Map(obj.Object, "metadata"), "namespace")
	changed = r.references(obj.Object, source) || changed
	isName := func(key string) bool { return key == labelNamespaceName }
	changed = rewriteNamespaceSelectors(obj.Object, source.GroupKind(), func(selector map[string]any) bool {
		return rewriteSelector(selector, isName, r.name)
	}) || changed
	eachPodAffinityTerm(podSpec(obj.Object, source.GroupKind()), func(term map[string]any) {
		changed = rewriteList(field.List(term, "namespaces"), r.name) || changed
	})
	return changed, nil
}

// references renames namespaces in fields that only one kind has.
func (r rename) references(content map[string]any, source Source) (changed bool) {
	switch source.GroupKind() {
	case namespaceKind:
		return r.at(field.Map(content, "metadata"), "name")
	case persistentVolumeKind:
		return r.at(field.Map(content, "spec", "claimRef"), "namespace")
	case roleBindingKind, clusterRoleBindingKind:
		for subject := range field.Maps(content, "subjects") {
			changed = r.subject(subject) || changed
		}
	case mutatingWebhookKind, validatingWebhookKind:
		for webhook := range field.Maps(content, "webhooks") {
			changed = r.at(field.Map(webhook, "clientConfig", "service"), "namespace") || changed
		}
	case customResourceDefinitionKind:
		return r.at(field.Map(content, "spec", "conversion", "webhook", "clientConfig", "service"), "namespace")
	}
	return changed
}

func (r rename) subject(subject map[string]any) bool {
	to, ok := r[subjectNamespace(subject)]
	if !ok {
		return false
	}
	switch field.String(subject, "kind") {
	case "ServiceAccount":
		subject["namespace"] = to
	case "User":
		_, account, _ := strings.Cut(strings.TrimPrefix(field.String(subject, "name"), serviceAccountUser), ":")
		subject["name"] = serviceAccountUser + to + ":" + account
	default:
		subject["name"] = serviceAccountGroup + to
	}
	return true
}

// at renames the namespace at a key of an object.
func (r rename) at(object map[string]any, key string) bool {
	return rewriteValue(object[key], r.name, func(name string) { object[key] = name })
}

func (r rename) name(namespace string) (string, bool) {
	to, ok := r[namespace]
	return to, ok
}
