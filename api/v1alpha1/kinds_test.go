package v1alpha1_test

import (
	"strings"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// kind is what clients of Stork know of a kind, written down independently of the Go types.
type kind struct {
	name, plural  string
	clusterScoped bool
	hasStatus     bool
	// payload are the top-level fields beside status.
	payload []string
	// columns are those of storkctl's table; of a kind that has none there, those of kubectl.
	columns []string
}

var kinds = []kind{
	{name: "Action", plural: "actions", hasStatus: true, payload: []string{"spec"},
		columns: []string{"NAME", "CREATED", "STAGE", "STATUS", "MORE INFO"}},
	{name: "ApplicationRegistration", plural: "applicationregistrations", clusterScoped: true, payload: []string{"resources"},
		columns: []string{"NAME", "KIND", "CRD-NAME", "VERSION", "SUSPEND-OPTIONS", "KEEP-STATUS"}},
	{name: "BackupLocation", plural: "backuplocations", hasStatus: true, payload: []string{"location", "cluster"},
		columns: []string{"NAME", "TYPE", "PATH", "SECRET"}},
	{name: "ClusterPair", plural: "clusterpairs", hasStatus: true, payload: []string{"spec"},
		columns: []string{"NAME", "STORAGE-STATUS", "SCHEDULER-STATUS", "CREATED"}},
	{name: "Migration", plural: "migrations", hasStatus: true, payload: []string{"spec"},
		columns: []string{"NAME", "CLUSTERPAIR", "STAGE", "STATUS", "VOLUMES", "RESOURCES", "CREATED", "ELAPSED", "TOTAL BYTES TRANSFERRED"}},
	{name: "MigrationSchedule", plural: "migrationschedules", hasStatus: true, payload: []string{"spec"},
		columns: []string{"NAME", "POLICYNAME", "CLUSTERPAIR", "SUSPEND", "LAST-SUCCESS-TIME", "LAST-SUCCESS-DURATION"}},
	{name: "NamespacedSchedulePolicy", plural: "namespacedschedulepolicies", payload: []string{"policy"},
		columns: []string{"NAME", "INTERVAL-MINUTES", "DAILY", "WEEKLY", "MONTHLY"}},
	{name: "ResourceTransformation", plural: "resourcetransformations", hasStatus: true, payload: []string{"specs"},
		columns: []string{"NAME", "STATUS", "CREATED"}},
	{name: "Rule", plural: "rules", payload: []string{"rules"},
		columns: []string{"NAME", "AGE"}},
	{name: "SchedulePolicy", plural: "schedulepolicies", clusterScoped: true, payload: []string{"policy"},
		columns: []string{"NAME", "INTERVAL-MINUTES", "DAILY", "WEEKLY", "MONTHLY"}},
}

func kindOf(obj *unstructured.Unstructured) kind {
	for _, k := range kinds {
		if k.name == obj.GetKind() {
			return k
		}
	}
	panic("no such kind: " + obj.GetKind())
}

func (k kind) scope() apiextensionsv1.ResourceScope {
	if k.clusterScoped {
		return apiextensionsv1.ClusterScoped
	}
	return apiextensionsv1.NamespaceScoped
}

// unknownField is an object that a schema refuses when it is asked to be strict.
func (k kind) unknownField() *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{"unknown": true}}
	obj.SetAPIVersion(storkv1alpha1.GroupVersion.String())
	obj.SetKind(k.name)
	obj.SetName("unknown")
	if !k.clusterScoped {
		obj.SetNamespace(metav1.NamespaceDefault)
	}
	return obj
}

// storkCRDs are the CRDs that Stork itself installs: any object is valid and nothing is a subresource.
func storkCRDs() []*apiextensionsv1.CustomResourceDefinition {
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, k := range kinds {
		schema := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}
		crds = append(crds, &apiextensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: k.plural + "." + storkv1alpha1.GroupName},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{
				Group: storkv1alpha1.GroupName,
				Scope: k.scope(),
				Names: apiextensionsv1.CustomResourceDefinitionNames{
					Kind: k.name, Singular: strings.ToLower(k.name), Plural: k.plural,
				},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
					Name: "v1alpha1", Served: true, Storage: true,
					Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema},
				}},
			},
		})
	}
	return crds
}

// place puts an object where it collides with no other test's: into the namespace or, if it is cluster-scoped, under a
// name that ends in it.
func place(obj *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	placed := obj.DeepCopy()
	if kindOf(obj).clusterScoped {
		placed.SetName(obj.GetName() + "-" + namespace)
	} else {
		placed.SetNamespace(namespace)
	}
	return placed
}

// lost returns the paths of the values in want that got lacks or has another value for. A null stands for nothing, as it
// does for every client of Stork.
func lost(want, got any, path string) []string {
	switch want := want.(type) {
	case nil:
		return nil
	case map[string]any:
		return lostFromMap(want, got, path)
	case []any:
		return lostFromList(want, got, path)
	}
	if matched, _ := Equal(want).Match(got); !matched {
		return []string{path}
	}
	return nil
}

func lostFromMap(want map[string]any, got any, path string) []string {
	gotMap, _ := got.(map[string]any)
	var paths []string
	for key, value := range want {
		if value == nil {
			continue
		}
		other, found := gotMap[key]
		if !found {
			paths = append(paths, path+"."+key)
			continue
		}
		paths = append(paths, lost(value, other, path+"."+key)...)
	}
	return paths
}

func lostFromList(want []any, got any, path string) []string {
	gotList, _ := got.([]any)
	if len(gotList) != len(want) {
		return []string{path}
	}
	var paths []string
	for i := range want {
		paths = append(paths, lost(want[i], gotList[i], path+"[]")...)
	}
	return paths
}
