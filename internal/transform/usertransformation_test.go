package transform

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func userChange(resource string, selectors map[string]string, paths ...storkv1alpha1.ResourcePath) *storkv1alpha1.ResourceTransformation {
	return &storkv1alpha1.ResourceTransformation{
		ObjectMeta: metav1.ObjectMeta{Name: "adapt"},
		Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{
			{Resource: resource, Selectors: selectors, Paths: paths},
		}},
	}
}

func users(clusterScoped bool, transformations map[string]*storkv1alpha1.ResourceTransformation) userTransformations {
	return newUserTransformations(Options{Transformations: transformations, TransformClusterScoped: clusterScoped})
}

func inShop(transformation *storkv1alpha1.ResourceTransformation) map[string]*storkv1alpha1.ResourceTransformation {
	return map[string]*storkv1alpha1.ResourceTransformation{"shop": transformation}
}

func TestUserTransformations(t *testing.T) {
	change := path("spec.type", "add", "string", "NodePort")
	const plain = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {type: ClusterIP}}"
	const transformed = `{apiVersion: v1, kind: Service, spec: {type: NodePort},
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {stork.libopenstorage.org/resourcetransformation-name: "true"}}}`
	for name, tc := range map[string]struct {
		transformation *storkv1alpha1.ResourceTransformation
		applies        bool
	}{
		"change what they select by kind":           {userChange("/v1/Service", nil, change), true},
		"change what they select by labels":         {userChange("/v1/Service", map[string]string{"app": "web"}, change), true},
		"take another version where there is none":  {userChange("/v2/Service", nil, change), true},
		"leave objects with other labels alone":     {userChange("/v1/Service", map[string]string{"app": "web", "tier": ""}, change), false},
		"leave objects of other groups alone":       {userChange("serving.knative.dev/v1/Service", nil, change), false},
		"leave objects alone that are so already":   {userChange("/v1/Service", nil, path("spec.type", "add", "string", "ClusterIP")), false},
		"leave objects alone with a malformed kind": {userChange("Service", nil, change), false},
	} {
		t.Run(name, func(t *testing.T) {
			test := transformation{before: plain}
			if tc.applies {
				test.after = transformed
			}
			test.run(t, users(false, inShop(tc.transformation)))
		})
	}
	t.Run("prefer the version of the object", func(t *testing.T) {
		both := userChange("/v2/Service", nil, path("spec.type", "add", "string", "LoadBalancer"))
		both.Spec.Objects = append(both.Spec.Objects, userChange("/v1/Service", nil, change).Spec.Objects...)
		transformation{before: plain, after: transformed}.run(t, users(false, inShop(both)))
	})
	t.Run("leave objects of other namespaces alone", func(t *testing.T) {
		transformation{before: plain}.run(t, users(true, map[string]*storkv1alpha1.ResourceTransformation{"other": userChange("/v1/Service", nil, change)}))
	})
	t.Run("do not change which object it is", func(t *testing.T) {
		for _, patch := range []string{
			`[{"op":"replace","path":"","value":{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"kube-system"}}}]`,
			`[{"op":"replace","path":"","value":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"}}}]`,
		} {
			obj := objecttest.Parse(t, plain)
			_, err := users(false, inShop(userChange("/v1/Service", nil, path("", "jsonpatch", "", patch)))).Transform(obj, SourceOf(obj))
			wantError(t, err, "it must not change which object this is")
		}
	})
}

func TestUserTransformationsOfClusterScopedObjects(t *testing.T) {
	const volume = "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, spec: {claimRef: {namespace: shop}, mountOptions: []}}"
	const role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: []}"
	const marked = ", annotations: {stork.libopenstorage.org/resourcetransformation-name: 'true'}}"
	ofVolume := inShop(userChange("/v1/PersistentVolume", nil, path("spec.mountOptions", "add", "slice", "ro")))
	ofRole := inShop(userChange("rbac.authorization.k8s.io/v1/ClusterRole", nil, path("metadata.labels", "add", "keypair", "a:b")))
	t.Run("are not done for those who may only write to a namespace", func(t *testing.T) {
		transformation{before: volume}.run(t, users(false, ofVolume))
		transformation{before: role}.run(t, users(false, ofRole))
	})
	t.Run("are done for administrators, a volume by its claim's namespace", func(t *testing.T) {
		transformation{before: volume, after: "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv" + marked +
			", spec: {claimRef: {namespace: shop}, mountOptions: [ro]}}"}.run(t, users(true, ofVolume))
		transformation{before: volume}.run(t, users(true, map[string]*storkv1alpha1.ResourceTransformation{"other": ofVolume["shop"]}))
	})
	t.Run("are done for administrators, everything else by all", func(t *testing.T) {
		transformation{before: role, after: "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r, labels: {a: b}" + marked +
			", rules: []}"}.run(t, users(true, ofRole))
	})
}
