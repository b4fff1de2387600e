package badinput_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// newNamespace makes a namespace at the source that no other test has.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	name := "odd-" + rand.String(5)
	createNamespace(ctx, name, nil)
	return name
}

// start creates a Migration of namespaces in the admin namespace.
func start(ctx context.Context, spec storkv1alpha1.MigrationSpec, namespaces ...string) *storkv1alpha1.Migration {
	GinkgoHelper()
	spec.ClusterPair, spec.Namespaces, spec.IncludeVolumes = remote, namespaces, new(false)
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: adminNamespace, GenerateName: "odd-"}, Spec: spec,
	}
	Expect(here.Create(ctx, migration)).To(Succeed())
	return migration
}

// finish waits for the end of a Migration and reads it.
func finish(ctx context.Context, migration *storkv1alpha1.Migration) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), "%+v", migration.Status.Conditions)
	}).WithContext(ctx).Should(Succeed())
}

// migrate migrates namespaces and expects that all objects arrive.
func migrate(ctx context.Context, spec storkv1alpha1.MigrationSpec, namespaces ...string) *storkv1alpha1.Migration {
	GinkgoHelper()
	migration := start(ctx, spec, namespaces...)
	finish(ctx, migration)
	Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), "%+v", failures(migration))
	return migration
}

// failures are the reasons of the objects in the status that did not arrive, by kind and name.
func failures(migration *storkv1alpha1.Migration) map[string]string {
	reasons := map[string]string{}
	for _, info := range migration.Status.Resources {
		if info.Status == storkv1alpha1.MigrationStatusFailed {
			reasons[info.Kind+"/"+info.Name] = info.Reason
		}
	}
	return reasons
}

// report reads the results of all objects from where the status says that they are.
func report(ctx context.Context, migration *storkv1alpha1.Migration) []storkv1alpha1.MigrationResourceInfo {
	GinkgoHelper()
	var all []storkv1alpha1.MigrationResourceInfo
	for _, name := range migration.Status.Report.ConfigMaps {
		part := &corev1.ConfigMap{}
		Expect(here.Get(ctx, client.ObjectKey{Namespace: migration.Namespace, Name: name}, part)).To(Succeed())
		reader, err := gzip.NewReader(bytes.NewReader(part.BinaryData[storkv1alpha1.ReportKey]))
		Expect(err).NotTo(HaveOccurred())
		var infos []storkv1alpha1.MigrationResourceInfo
		Expect(json.NewDecoder(reader).Decode(&infos)).To(Succeed())
		all = append(all, infos...)
	}
	return all
}

func configMap(namespace, name, content string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"content": content},
	}
}

// createConfigMaps makes so many small ones, named by number.
func createConfigMaps(ctx context.Context, namespace string, n int) {
	GinkgoHelper()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error { return here.Create(ctx, configMap(namespace, fmt.Sprintf("c-%05d", i), "x")) })
	}
	Expect(group.Wait()).To(Succeed())
}

// arrived reads an object at the destination.
func arrived[T client.Object](ctx context.Context, object T) T {
	GinkgoHelper()
	found := object.DeepCopyObject().(T)
	Expect(there.Get(ctx, client.ObjectKeyFromObject(object), found)).To(Succeed())
	return found
}

var boxKind = schema.GroupVersionKind{Group: "odd.example.com", Version: "v1", Kind: "Box"}

// installBoxes installs a kind at the source that takes any field, once.
func installBoxes(ctx context.Context) {
	GinkgoHelper()
	_, err := kubectl(ctx, boxDefinition, "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
	_, err = kubectl(ctx, "", "wait", "--for=condition=Established", "crd/boxes.odd.example.com")
	Expect(err).NotTo(HaveOccurred())
}

const boxDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boxes.odd.example.com}
spec:
  group: odd.example.com
  scope: Namespaced
  names: {kind: Box, plural: boxes}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func box(namespace, name string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(boxKind)
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}
