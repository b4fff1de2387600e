package takeover_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

func core(kind, namespace, name string) *unstructured.Unstructured {
	return named(corev1.SchemeGroupVersion.WithKind(kind), namespace, name)
}

func lighthouse(kind, namespace, name string) *unstructured.Unstructured {
	return named(schema.GroupVersionKind{Group: "lighthouse.example.com", Version: "v1", Kind: kind}, namespace, name)
}

func deployment(namespace, name string) *unstructured.Unstructured {
	return named(appsv1.SchemeGroupVersion.WithKind("Deployment"), namespace, name)
}

func patch(ctx context.Context, cluster client.Client, object *unstructured.Unstructured, kind types.PatchType, content string) {
	GinkgoHelper()
	Expect(cluster.Patch(ctx, object, client.RawPatch(kind, []byte(content)), client.FieldOwner("kubectl-edit"))).To(Succeed())
}

// gone are objects that Stork brought and that are at the source no more, as they are there.
func gone() []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		core("ConfigMap", shop, "old"), deployment(shop, "old"), lighthouse("Lamp", shop, "old"), lighthouse("Keeper", shop, "old"),
	}
}

// brought are the objects of the shop at the destination that Stork brought and that are still at the source.
func brought(ctx context.Context) map[string]*unstructured.Unstructured {
	GinkgoHelper()
	found := map[string]*unstructured.Unstructured{}
	for _, object := range application(shop) {
		switch {
		case object.GetName() == "old":
			continue
		case object.GetKind() == "Keeper":
			object = core("ConfigMap", shop, stashName(object.GetName()))
		case object.GetKind() == "PersistentVolumeClaim":
			volume, _, _ := unstructured.NestedString(get(ctx, there, object).Object, "spec", "volumeName")
			found["PersistentVolume"] = get(ctx, there, core("PersistentVolume", "", volume))
		}
		found[id(object)] = get(ctx, there, object)
	}
	return found
}

// changeShop changes the application since Stork migrated it last, and what others have at the destination.
func changeShop(ctx context.Context) {
	GinkgoHelper()
	patch(ctx, here, core("ConfigMap", shop, "prices"), types.MergePatchType,
		`{"metadata":{"labels":{"team":null,"field.cattle.io/projectId":"p-here"}},"data":{"bread":"3","cake":null}}`)
	patch(ctx, here, deployment(shop, "web"), types.JSONPatchType, `[
		{"op": "replace", "path": "/spec/replicas", "value": 4},
		{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/web:2"},
		{"op": "remove", "path": "/spec/template/spec/containers/0/env"},
		{"op": "remove", "path": "/spec/template/metadata/annotations"}]`)
	role := named(rbacv1.SchemeGroupVersion.WithKind("ClusterRole"), "", "web-"+shop)
	patch(ctx, here, role, types.JSONPatchType, `[{"op": "remove", "path": "/rules/1"}]`)
	for _, object := range gone() {
		Expect(here.Delete(ctx, object)).To(Succeed())
	}
	patch(ctx, there, core("ConfigMap", shop, "settings"), types.MergePatchType, `{"metadata":{"labels":{"site":"south"}}}`)
	Expect(there.Create(ctx, core("ConfigMap", shop, "own"))).To(Succeed())
	copied := core("ConfigMap", shop, "copied")
	copied.SetAnnotations(map[string]string{"stork.libopenstorage.org/migrated": "true"})
	Expect(there.Create(ctx, copied, client.FieldOwner("another-operator"))).To(Succeed())
}

// migrateShop runs a Migration of the shop to its end.
func migrateShop(ctx context.Context, name string) *storkv1alpha1.Migration {
	GinkgoHelper()
	Expect(here.Create(ctx, &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name},
		Spec: storkv1alpha1.MigrationSpec{
			ClusterPair: "remote", Namespaces: []string{shop}, IncludeVolumes: new(false), PurgeDeletedResources: new(true),
		},
	})).To(Succeed())
	migration := awaitFinal(ctx, shop, name)
	Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), "%v %+v", migration.Status.Conditions, failures(migration))
	return migration
}

func failures(migration *storkv1alpha1.Migration) []string {
	var found []string
	for _, resource := range migration.Status.Resources {
		if resource.Status == storkv1alpha1.MigrationStatusFailed {
			found = append(found, fmt.Sprintf("%s %s: %s", resource.Kind, resource.Name, resource.Reason))
		}
	}
	return found
}

// writesOfShop are the writes since an earlier look.
func writesOfShop(before map[string][]string) map[string][]string {
	GinkgoHelper()
	found := writes()
	for key, verbs := range found {
		found[key] = verbs[len(before[key]):]
	}
	maps.DeleteFunc(found, func(key string, verbs []string) bool { return len(verbs) == 0 || strings.Contains(key, " "+port+"/") })
	return found
}

// itAdopts migrates what Stork has migrated.
func itAdopts() {
	var before map[string]*unstructured.Unstructured
	var seen map[string][]string

	It("adopts what Stork brought, and writes each object only for that", func(ctx SpecContext) {
		changeShop(ctx)
		before, seen = brought(ctx), writes()
		migration := migrateShop(ctx, "adopt")
		Expect(migration.Status.Summary.ResourcesCreated).To(BeZero())
		Expect(migration.Status.Summary.ResourcesPurged).To(BeEquivalentTo(len(gone())))
		for key, verbs := range writesOfShop(seen) {
			switch {
			case strings.HasPrefix(key, "persistentvolume"), strings.HasPrefix(key, "serviceaccounts"), strings.HasPrefix(key, "clusterrolebindings"):
				Expect(verbs).To(Equal([]string{"patch"}), key) // Merged, by one patch.
			case slices.Equal(verbs, []string{"delete"}):
				// Purged.
			default:
				// Stork's fields are handed over first, by a patch of metadata.managedFields, and then applied with the new hash.
				Expect(verbs).To(Equal([]string{"patch", "patch"}), key)
			}
		}
	})

	It("recreates nothing", func(ctx SpecContext) {
		after := brought(ctx)
		for name, object := range before {
			Expect(after[name].GetUID()).To(Equal(object.GetUID()), name)
			Expect(after[name].GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrated, "true"), name)
		}
	})

	It("writes nothing the next time", func(ctx SpecContext) {
		seen = writes()
		migration := migrateShop(ctx, "again")
		Expect(writesOfShop(seen)).To(BeEmpty())
		Expect(migration.Status.Summary.ResourcesUpdated).To(BeZero())
		Expect(migration.Status.Summary.ResourcesUnchanged).To(BeNumerically(">=", len(before)))
	})

	It("updates what had changed, and removes what Stork's manager owned and the source has no more", func(ctx SpecContext) {
		prices := get(ctx, there, core("ConfigMap", shop, "prices"))
		Expect(prices.Object["data"]).To(Equal(map[string]any{"bread": "3"}))
		Expect(prices.GetLabels()).To(Equal(map[string]string{"season": "summer", "field.cattle.io/projectId": "p-there"}))
		web := &appsv1.Deployment{}
		Expect(there.Get(ctx, client.ObjectKey{Namespace: shop, Name: "web"}, web)).To(Succeed())
		Expect(web.Spec.Template.Annotations).To(BeEmpty())
		Expect(web.Spec.Template.Spec.Containers[0].Env).To(BeEmpty())
		Expect(web.Spec.Template.Spec.Containers[0].Image).To(Equal("registry.example.com/web:2"))
		Expect(web.Spec.Replicas).To(HaveValue(BeZero()))
		role := &rbacv1.ClusterRole{}
		Expect(there.Get(ctx, client.ObjectKey{Name: "web-" + shop}, role)).To(Succeed())
		Expect(role.Rules).To(HaveLen(1))
		Expect(web.Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationReplicas, "4"))
	})

	It("keeps what only the destination has", func(ctx SpecContext) {
		Expect(get(ctx, there, core("ConfigMap", shop, "settings")).GetLabels()).To(HaveKeyWithValue("site", "south"))
		get(ctx, there, core("ConfigMap", shop, "own"))
		get(ctx, there, core("ConfigMap", shop, "copied"))
		addresses := func(of *unstructured.Unstructured) any { return of.Object["spec"].(map[string]any)["clusterIPs"] }
		service := core("Service", shop, "web")
		Expect(addresses(get(ctx, there, service))).To(Equal(addresses(before[id(service)])))
	})

	It("purges what Stork brought and is at the source no more", func(ctx SpecContext) {
		for _, object := range gone() {
			if object.GetKind() == "Keeper" {
				object = core("ConfigMap", shop, stashName("old"))
			}
			Eventually(func() error { return there.Get(ctx, client.ObjectKeyFromObject(object), object) }).Should(Satisfy(apierrors.IsNotFound), id(object))
		}
	})

	It("leaves volumes bound", func(ctx SpecContext) {
		after := brought(ctx)
		volume, data := after["PersistentVolume"], after[id(core("PersistentVolumeClaim", shop, "data"))]
		for _, object := range []*unstructured.Unstructured{volume, data} {
			Expect(object.Object["status"]).To(HaveKeyWithValue("phase", "Bound"), id(object))
		}
		Expect(volume.Object["spec"].(map[string]any)["claimRef"]).To(HaveKeyWithValue("uid", string(data.GetUID())))
		Expect(volume.Object["spec"]).To(HaveKeyWithValue("persistentVolumeReclaimPolicy", "Retain"))
		Expect(volume.GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationReclaimPolicy, "Delete"))
	})

	It("keeps the memos of what Stork stopped", func(ctx SpecContext) {
		after := brought(ctx)
		for object, memo := range map[*unstructured.Unstructured][]string{
			named(appsv1.SchemeGroupVersion.WithKind("StatefulSet"), shop, "database"): {"migrationReplicas", "2"},
			lighthouse("Lamp", shop, "north"):                                          {"spec.replicas", "5,0"},
			lighthouse("Flag", shop, "north"):                                          {"spec.startPolicy", "ALWAYS,NEVER"},
		} {
			Expect(after[id(object)].GetAnnotations()).To(HaveKeyWithValue("stork.libopenstorage.org/"+memo[0], memo[1]))
		}
	})
}

// itActivates starts applications at the destination, whose CRDs are still Stork's.
func itActivates() {
	for namespace, replicas := range map[string]int32{depot: 3, shop: 4} {
		It("activates what is stopped in the "+namespace+", by Stork or by Godwit", func(ctx SpecContext) {
			_, err := localgodwit.Run(ctx, destination, workspace, nil, inWorkspace("storkctl"), "activate", "migrations", "-n", namespace)
			Expect(err).NotTo(HaveOccurred())
			expectActive(ctx, namespace, replicas)
			get(ctx, there, lighthouse("Keeper", namespace, "north"))
		})
	}
	It("tells Stork's copy of the schedule", func(ctx SpecContext) {
		schedule := get(ctx, there, ofStork("MigrationSchedule", depot, "hourly"))
		Expect(schedule.Object["status"]).To(HaveKeyWithValue("applicationActivated", true))
	})
}

// expectActive expects that all runs again as it did at the source.
func expectActive(ctx context.Context, namespace string, replicas int32) {
	GinkgoHelper()
	key := client.ObjectKey{Namespace: namespace, Name: "web"}
	web, database, invoices := &appsv1.Deployment{}, &appsv1.StatefulSet{}, &batchv1.CronJob{}
	Expect(there.Get(ctx, key, web)).To(Succeed())
	Expect(web.Spec.Replicas).To(HaveValue(Equal(replicas)))
	Expect(there.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "database"}, database)).To(Succeed())
	Expect(database.Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
	Expect(there.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "invoices"}, invoices)).To(Succeed())
	Expect(invoices.Spec.Suspend).To(HaveValue(BeFalse()))
	Expect(get(ctx, there, lighthouse("Lamp", namespace, "north")).Object["spec"]).To(HaveKeyWithValue("replicas", int64(5)))
	Expect(get(ctx, there, lighthouse("Horn", namespace, "north")).Object["spec"]).To(HaveKeyWithValue("muted", false))
	Expect(get(ctx, there, lighthouse("Flag", namespace, "north")).Object["spec"]).To(HaveKeyWithValue("startPolicy", "ALWAYS"))
}
