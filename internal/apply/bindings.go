package apply

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// annotationSubjects on a ClusterRoleBinding lists, in JSON, the subjects in it that migrations brought.
const annotationSubjects = storkv1alpha1.GroupName + "/migrated-subjects"

var bindingResource = schema.GroupResource{Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"}

// mergeBinding unites the subjects, because each migration brings those of its own namespaces only. A subject that is there stays,
// unless a migration brought it, it belongs to one of the namespaces that this plan brings, and the source has it no more. The
// migration's name says nothing about that, since each run of a schedule has another one.
//
// The binding of somebody else is left alone if it grants another role.
func mergeBinding(r *run, e *entry) (*unstructured.Unstructured, error) {
	merged, desired := e.live.object.DeepCopy(), e.object()
	if _, same := difference(child(desired.Object, "roleRef"), child(merged.Object, "roleRef")); !same {
		if !e.live.ours {
			return nil, leftAloneError{"ClusterRoleBindings that no migration brought grant another role at the destination: they were left as they are"}
		}
		merged.Object["roleRef"] = desired.Object["roleRef"]
	}
	present, wanted := subjectsOf(merged), subjectsOf(desired)
	brought := broughtSubjects(e, present)
	subjects := make([]any, 0, len(present)+len(wanted))
	record := make([]any, 0, len(wanted))
	for _, subject := range present {
		key := keyOf(subject)
		gone := brought[key] && r.namespaces[namespaceOfSubject(subject)] && !hasSubject(wanted, key)
		if gone {
			continue
		}
		subjects = append(subjects, subject)
		if brought[key] {
			record = append(record, subject)
		}
	}
	for _, subject := range wanted {
		if !hasSubject(present, keyOf(subject)) {
			subjects, record = append(subjects, subject), append(record, subject)
		}
	}
	merged.Object["subjects"] = subjects
	metadata := child(merged.Object, "metadata")
	if e.live.ours {
		mergeMetadata(metadata, child(desired.Object, "metadata"), nil)
	}
	if annotations := child(metadata, "annotations"); len(record) > 0 || annotations[annotationSubjects] != nil {
		metadata["annotations"] = overlay(annotations, map[string]any{annotationSubjects: recordSubjects(record)})
	}
	return merged, nil
}

func subjectsOf(binding *unstructured.Unstructured) []any {
	subjects, _ := binding.Object["subjects"].([]any)
	return subjects
}

// broughtSubjects returns which of the subjects migrations brought, by key. Stork keeps no record: it replaces all of them.
func broughtSubjects(e *entry, present []any) map[string]bool {
	var keys []string
	record, recorded := e.live.object.GetAnnotations()[annotationSubjects]
	if recorded {
		// A record that somebody spoilt protects every subject.
		_ = json.Unmarshal([]byte(record), &keys)
	} else if e.live.ours {
		for _, subject := range present {
			keys = append(keys, keyOf(subject))
		}
	}
	brought := map[string]bool{}
	for _, key := range keys {
		brought[key] = true
	}
	return brought
}

func recordSubjects(subjects []any) string {
	keys := make([]string, 0, len(subjects))
	for _, subject := range subjects {
		keys = append(keys, keyOf(subject))
	}
	slices.Sort(keys)
	record, err := json.Marshal(keys)
	if err != nil {
		return "[]" // Strings can always be marshalled.
	}
	return string(record)
}

func keyOf(subject any) string {
	fields := asObject(subject)
	return fmt.Sprintf("%v/%v/%v", fields["kind"], orEmpty(fields["namespace"]), fields["name"])
}

func orEmpty(value any) any {
	if value == nil {
		return ""
	}
	return value
}

func hasSubject(subjects []any, key string) bool {
	return slices.ContainsFunc(subjects, func(subject any) bool { return keyOf(subject) == key })
}

// namespaceOfSubject returns the namespace of the service accounts that a subject stands for, in whichever of the three forms;
// empty if it stands for somebody else.
func namespaceOfSubject(subject any) string {
	fields, name := asObject(subject), nameOf(subject)
	switch fields["kind"] {
	case "ServiceAccount":
		namespace, _ := fields["namespace"].(string)
		return namespace
	case "User":
		if account, found := strings.CutPrefix(name, "system:serviceaccount:"); found {
			namespace, _, _ := strings.Cut(account, ":")
			return namespace
		}
	case "Group":
		if namespace, found := strings.CutPrefix(name, "system:serviceaccounts:"); found {
			return namespace
		}
	}
	return ""
}
