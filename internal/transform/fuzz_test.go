package transform

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

// fuzzManifests are one well-formed object of every kind that a transformer knows.
func fuzzManifests() []string {
	const affinity = `{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaces: [shop], namespaceSelector: {matchLabels:
{field.cattle.io/projectId: p-1}}}]}, podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{podAffinityTerm: {namespaceSelector:
{matchExpressions: [{key: kubernetes.io/metadata.name, values: [shop]}]}}}]}}`
	const meta = "metadata: {name: x, namespace: shop, uid: u, labels: {app: web, field.cattle.io/projectId: p-1}, annotations: {note: x}}"
	const template = "template: {metadata: {labels: {app: web}}, spec: {nodeSelector: {a: b}, affinity: " + affinity + "}}"
	return []string{
		"{apiVersion: v1, kind: ConfigMap, " + meta + ", data: {a: b}}",
		"{apiVersion: v1, kind: Service, " + meta + ", spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], ports: [{nodePort: 1}]}}",
		"{apiVersion: v1, kind: PersistentVolume, " + meta + ", spec: {persistentVolumeReclaimPolicy: Delete, storageClassName: a, claimRef: {name: a, namespace: shop, uid: u}}}",
		"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x, annotations: {pv.kubernetes.io/bind-completed: 'yes'}}, spec: {volumeName: a}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, " + meta + ", subjects: [{kind: User, name: 'system:serviceaccount:shop:a'}, {kind: ServiceAccount, namespace: b}]}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, " + meta + ", subjects: [{kind: Group, name: 'system:serviceaccounts:shop'}]}",
		"{apiVersion: v1, kind: Secret, " + meta + ", type: kubernetes.io/service-account-token, data: {token: a}}",
		"{apiVersion: v1, kind: ServiceAccount, " + meta + ", secrets: [{name: x-token-abcde}], imagePullSecrets: [{name: a}]}",
		"{apiVersion: batch/v1, kind: Job, " + meta + ", spec: {selector: {matchLabels: {controller-uid: u}}, " + template + "}, status: {conditions: [{type: Complete, status: 'True'}]}}",
		"{apiVersion: batch/v1, kind: CronJob, " + meta + ", spec: {suspend: false, jobTemplate: {spec: {" + template + "}}}}",
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, " + meta + ", spec: {preserveUnknownFields: true, versions: [{name: v1}], conversion: {webhook: {clientConfig: {service: {namespace: shop}}}}}}",
		"{apiVersion: v1, kind: Namespace, " + meta + ", spec: {finalizers: [kubernetes]}, status: {phase: Active}}",
		"{apiVersion: v1, kind: Endpoints, " + meta + ", subsets: [{addresses: [{ip: 192.0.2.1, targetRef: {name: a}}]}]}",
		"{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, " + meta + ", endpoints: [{nodeName: a}]}",
		"{apiVersion: kubevirt.io/v1, kind: VirtualMachine, " + meta + ", spec: {running: true, dataVolumeTemplates: [], " + template + "}}",
		"{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, " + meta + ", webhooks: [{clientConfig: {service: {namespace: shop}}, namespaceSelector: {}}]}",
		"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, " + meta + ", spec: {ingress: [{from: [{namespaceSelector: {matchLabels: {field.cattle.io/projectId: p-1}}}]}]}}",
		"{apiVersion: apps/v1, kind: Deployment, " + meta + ", spec: {replicas: 3, " + template + "}}",
		"{apiVersion: apps/v1, kind: DaemonSet, " + meta + ", spec: {" + template + "}}",
		"{apiVersion: v1, kind: Pod, " + meta + ", spec: {affinity: " + affinity + "}}",
		"{apiVersion: v1, kind: PodTemplate, " + meta + ", " + template + "}",
		"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, " + meta + ", spec: {maxReplicas: 3}}",
		"{apiVersion: example.com/v1, kind: Database, " + meta + ", spec: {replicas: 3}, status: {a: b}}",
		"{apiVersion: example.com/v1, kind: Stashed, " + meta + ", spec: {replicas: 3}}",
	}
}

func fuzzOptions() Options {
	return Options{
		Namespaces:             map[string]string{"shop": "shop", "b": "b"},
		ProjectMappings:        map[string]string{"p-1": "p-2", "c-a:p-3": "c-b:p-4"},
		TransformClusterScoped: true,
		Registrations: append(builtinRegistrations(),
			storkv1alpha1.ApplicationResource{Group: "example.com", Version: "v1", Kind: "Database", KeepStatus: true,
				SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.replicas", Type: "int"}},
			storkv1alpha1.ApplicationResource{Group: "example.com", Version: "v1", Kind: "Stashed", StashStrategy: storkv1alpha1.StashStrategy{StashCR: true}}),
		Transformations: map[string]*storkv1alpha1.ResourceTransformation{"shop": {Spec: storkv1alpha1.ResourceTransformationSpec{
			Objects: []storkv1alpha1.TransformSpec{
				{Resource: "apps/v1/Deployment", Paths: []storkv1alpha1.ResourcePath{
					path("spec.replicas", "add", "int", "2"), path("spec.template.spec.containers[0].image", "add", "string", "x"),
				}},
				{Resource: "/v1/ConfigMap", Selectors: map[string]string{"app": "web"}, Paths: []storkv1alpha1.ResourcePath{
					path("data", "modify", "keypair", "a:c"), path("list", "modify", "slice", "a,b"), path("data.note", "replace", "string", "y"), path("spec", "delete", "", ""),
				}},
			},
		}}},
	}
}

func fuzzObject(objects []*unstructured.Unstructured, data []byte) *unstructured.Unstructured {
	fuzz := &objecttest.Fuzz{
		Bytes: data,
		Keys: []string{
			"metadata", "labels", "annotations", "spec", "status", "template", "name", "namespace", "kind", "subjects", "data", "replicas", "suspend",
			"selector", "matchLabels", "matchExpressions", "namespaceSelector", "values", "key", "conditions", "claimRef", "subsets", "addresses", "finalizers",
			"containers", "running", "runStrategy", "clusterIP", "secrets", "versions", "schema", "field.cattle.io/projectId", "field.cattle.io/projectID",
			"cattle.io/x", labelNamespaceName, labelInstance, argoTrackingID, argoPrefix + "sync-wave", "helm.toolkit.fluxcd.io/name",
			"deployment.kubernetes.io/revision", storkv1alpha1.AnnotationMigrationReplicas, storkv1alpha1.AnnotationMigrated,
			storkv1alpha1.AnnotationReclaimPolicy, storkv1alpha1.SuspendMemoAnnotation("spec.suspend"), storkv1alpha1.SuspendMemoAnnotation("spec.running"),
			storkv1alpha1.SuspendMemoAnnotation("spec.replicas"), "pv.kubernetes.io/bound-by-controller",
		},
		Strings: []string{
			"", "x", "true", "shop", "p-1", "p-2", "c-a:p-3", "p-3", "c-b:p-4", "web", "x:/ConfigMap:shop/x", "3", "3,0", "false,true", "true,true", "true,false",
			"None", "Retain", "Delete", "Halted", "ServiceAccount", "User", "Group", "system:serviceaccount:shop:a", "x-token-abcde", "Complete", "True",
		},
	}
	obj := objects[fuzz.Pick(len(objects))].DeepCopy()
	fuzz.Mutate(obj)
	return obj
}

// addFuzzObjects adds seeds of every kind and returns the objects that are mutated.
func addFuzzObjects(f *testing.F) (objects []*unstructured.Unstructured) {
	f.Helper()
	for i, manifest := range fuzzManifests() {
		objects = append(objects, objecttest.Parse(f, manifest))
		f.Add([]byte{byte(i)})
		f.Add([]byte{byte(i), 1, 4, 0, 5, 9, 2, 7, 3, 1, 17, 2, 6, 2, 5, 19, 0, 3, 3, 7, 8, 30, 7, 4, 31, 2, 2, 7})
	}
	return objects
}

// expectIdempotent checks that a pipeline changes nothing in its own result.
func expectIdempotent(t *testing.T, p *Pipeline, obj *unstructured.Unstructured) {
	t.Helper()
	first, err := p.Run(obj)
	if err != nil {
		return
	}
	second, err := p.Run(first.Object.DeepCopy())
	if err != nil {
		t.Fatalf("a second time: %v", err)
	}
	if diff := cmp.Diff(first.Object.Object, second.Object.Object); diff != "" {
		t.Errorf("a second time (-first,+second):\n%s", diff)
	}
}

func FuzzPipelineIdempotent(f *testing.F) {
	objects := addFuzzObjects(f)
	pipelines := []*Pipeline{NewPipeline(fuzzOptions())}
	options := fuzzOptions()
	options.StartApplications = true
	pipelines = append(pipelines, NewPipeline(options))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range pipelines {
			expectIdempotent(t, p, fuzzObject(objects, data))
		}
	})
}

// FuzzTransformerCombinations checks that any selection of transformers, in their order, changes nothing in its own result.
func FuzzTransformerCombinations(f *testing.F) {
	objects := addFuzzCombinations(f)
	options := fuzzOptions()
	options.StartApplications = true
	pipelines := []*Pipeline{NewPipeline(fuzzOptions()), NewPipeline(options)}
	f.Fuzz(func(t *testing.T, data []byte, chosen uint32) {
		for _, all := range pipelines {
			p := &Pipeline{}
			for i, transformer := range all.transformers {
				if chosen>>i&1 == 1 {
					p.transformers = append(p.transformers, transformer)
				}
			}
			expectIdempotent(t, p, fuzzObject(objects, data))
		}
	})
}

func addFuzzCombinations(f *testing.F) (objects []*unstructured.Unstructured) {
	f.Helper()
	for i, manifest := range fuzzManifests() {
		objects = append(objects, objecttest.Parse(f, manifest))
		for _, chosen := range []uint32{1<<32 - 1, 0x55555555, 0xaaaaaaaa} {
			f.Add([]byte{byte(i), 1, 4, 0, 5, 9, 2, 7, 3, 1, 17, 2, 6, 2, 5, 19, 0, 3, 3, 7}, chosen)
		}
	}
	return objects
}

// FuzzRenameThereAndBack checks that renamed namespaces get their names back, wherever they are in an object.
func FuzzRenameThereAndBack(f *testing.F) {
	objects := addFuzzObjects(f)
	there, back := newRename(map[string]string{"shop": "shop-dr", "b": "c"}), newRename(map[string]string{"shop-dr": "shop", "c": "b"})
	f.Fuzz(func(t *testing.T, data []byte) {
		obj := fuzzObject(objects, data)
		original := obj.DeepCopy()
		changed, err := there.Transform(obj, SourceOf(obj))
		if err != nil {
			return
		}
		if _, err := back.Transform(obj, SourceOf(obj)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(original.Object, obj.Object); diff != "" {
			t.Errorf("changed %v, and not as before (-want,+got):\n%s", changed, diff)
		}
	})
}

func FuzzTransformersIdempotent(f *testing.F) {
	objects := addFuzzObjects(f)
	options := fuzzOptions()
	options.StartApplications = true
	transformers := append(NewPipeline(fuzzOptions()).transformers, NewPipeline(options).transformers...)
	// Names of namespaces are always those at the source, so this one is idempotent only as long as none of its results is renamed.
	transformers = append(transformers, newRename(map[string]string{"shop": "shop-dr", "b": "c"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, transformer := range transformers {
			obj := fuzzObject(objects, data)
			source := SourceOf(obj)
			before := obj.DeepCopy()
			changed, err := transformer.Transform(obj, source)
			if err != nil {
				continue
			}
			if diff := cmp.Diff(before.Object, obj.Object); diff != "" && !changed {
				t.Errorf("%T says that it changed nothing:\n%s", transformer, diff)
			}
			after := obj.DeepCopy()
			if changed, err := transformer.Transform(obj, SourceOf(obj)); err != nil || changed {
				t.Errorf("%T a second time: changed %v, error %v:\n%s", transformer, changed, err, cmp.Diff(after.Object, obj.Object))
			}
		}
	})
}

func FuzzUserTransformation(f *testing.F) {
	var objects []*unstructured.Unstructured
	for _, manifest := range fuzzManifests() {
		objects = append(objects, objecttest.Parse(f, manifest))
	}
	f.Add([]byte{0}, "spec.a[0].'b.c/d'", "add", "string", "x")
	f.Add([]byte{1}, "spec.ports[0].nodePort", "delete", "", "")
	f.Add([]byte{1}, "metadata.labels", "modify", "keypair", "a:b,c:d:e")
	f.Add([]byte{1}, "spec.clusterIPs", "modify", "slice", "a,b")
	f.Add([]byte{17}, "", "jsonpatch", "", `[{"op":"move","from":"/spec/replicas","path":"/metadata/labels/x"}]`)
	f.Fuzz(func(t *testing.T, data []byte, p, operation, valueType, value string) {
		obj := fuzzObject(objects, data)
		gvk := obj.GroupVersionKind()
		spec := userChange(gvk.Group+"/"+gvk.Version+"/"+gvk.Kind, nil, path(p, operation, valueType, value)).Spec
		invalid := ValidateTransformation(spec)
		identity := identityOf(obj)
		_, err := ApplyTransformation(spec, obj)
		if invalid != nil && err == nil {
			t.Errorf("applies what is invalid: %v", invalid)
		}
		if err == nil && identityOf(obj) != identity {
			t.Errorf("%v became %v", identity, identityOf(obj))
		}
		if err != nil || operation != "add" && operation != "modify" && operation != "replace" {
			return
		}
		before := obj.DeepCopy()
		if changed, err := ApplyTransformation(spec, obj); changed || err != nil {
			t.Errorf("a second time: changed %v, error %v:\n%s", changed, err, cmp.Diff(before.Object, obj.Object))
		}
	})
}

// FuzzStash checks that what a ConfigMap holds is the object, under a name that a ConfigMap can have.
func FuzzStash(f *testing.F) {
	objects := addFuzzObjects(f)
	transformer := stash{registrations: workload.NewRegistrations(fuzzOptions().Registrations)}
	f.Fuzz(func(t *testing.T, data []byte) {
		obj := fuzzObject(objects, append([]byte{byte(len(objects) - 1)}, data...))
		original := obj.DeepCopy()
		changed, err := transformer.Transform(obj, SourceOf(obj))
		if err != nil || !changed {
			return
		}
		held, _, _ := unstructured.NestedString(obj.Object, "data", storkv1alpha1.StashKeyObject)
		restored := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(held), &restored.Object); err != nil {
			t.Fatal(err)
		}
		if want, got := mustMarshal(t, original.Object), mustMarshal(t, restored.Object); want != got {
			t.Errorf("held %s, want %s", got, want)
		}
		if problems := validation.IsDNS1123Subdomain(obj.GetName()); len(problems) > 0 || obj.GetNamespace() != original.GetNamespace() {
			t.Errorf("ConfigMap %s/%s: %v", obj.GetNamespace(), obj.GetName(), problems)
		}
	})
}

func mustMarshal(t *testing.T, content any) string {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPlainObjectsAreNotCopied bounds what the pipeline does to an object that no transformer is for: nothing that grows with it.
func TestPlainObjectsAreNotCopied(t *testing.T) {
	data := map[string]any{}
	for i := range 1000 {
		data[string(rune('a'+i%26))+string(rune('a'+i/26))] = "x"
	}
	obj := objecttest.Parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop, labels: {app: x}, annotations: {a: b}}}")
	obj.Object["data"] = data
	p := NewPipeline(Options{Namespaces: map[string]string{"shop": "shop"}, Registrations: builtinRegistrations()})
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := p.Run(obj); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 10 {
		t.Errorf("%v allocations", allocations)
	}
}
