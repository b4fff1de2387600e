package takeover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
)

const (
	// shop is migrated by Godwit after the takeover, depot never again.
	shop, depot = "shop", "depot"
	// port and hold have Migrations of Stork's that have not ended; there is a claim in hold.
	port, hold = "port", "hold"
	// pairUser is who writes to the destination for a ClusterPair.
	pairUser = "pair"
)

// makeOrigin makes what there is when Godwit comes.
func makeOrigin(ctx context.Context) {
	GinkgoHelper()
	for _, cluster := range []*localcluster.Cluster{source, destination} {
		_, err := stork(ctx, cluster, "", "crds")
		Expect(err).NotTo(HaveOccurred())
	}
	for _, cluster := range []client.Client{here, there} {
		makePlatform(ctx, cluster)
	}
	for _, name := range []string{port, hold, shop, depot} {
		Expect(here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	Expect(here.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: port, Name: "cargo"}})).To(Succeed())
	makeObjectsOfStork(ctx)
	for _, namespace := range []string{shop, depot} {
		makeApplication(ctx, namespace)
		bringApplication(ctx, namespace)
	}
	Expect(here.Create(ctx, claim(hold))).To(Succeed())
	awaitBound(ctx, here, hold)
}

// makePlatform makes what an administrator puts into every cluster.
func makePlatform(ctx context.Context, cluster client.Client) {
	GinkgoHelper()
	for _, definition := range decode(testdata("kinds.yaml"), "") {
		Expect(cluster.Create(ctx, definition)).To(Succeed())
	}
	Expect(cluster.Create(ctx, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "slow"}, Provisioner: "kubernetes.io/host-path"})).To(Succeed())
}

func claim(namespace string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("slow"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
}

// makeObjectsOfStork has Stork's client make the objects of Stork's kinds.
func makeObjectsOfStork(ctx context.Context) {
	GinkgoHelper()
	cluster, user := credential()
	create := func(cluster *localcluster.Cluster, content string) {
		_, err := stork(ctx, cluster, content, "create")
		Expect(err).NotTo(HaveOccurred())
	}
	create(source, testdata("stork.yaml"))
	create(source, testdata("pairs.yaml", "$CLUSTER", cluster, "$USER", user, "$COMMAND", inWorkspace("credential")))
	schedule := get(ctx, here, ofStork("MigrationSchedule", port, "nightly"))
	create(source, testdata("migrations.yaml", "$SCHEDULE", string(schedule.GetUID())))
	Expect(here.Delete(ctx, ofStork("Migration", port, "leaving"))).To(Succeed())

	// Stork keeps a copy of each schedule at the destination, and has the same registrations there.
	for _, name := range []string{depot, port} {
		Expect(there.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	create(destination, `
kind: MigrationSchedule
metadata: {name: overtaken, namespace: port, annotations: {stork.libopenstorage.org/static-copy: "true"}}
spec: {template: {spec: {clusterPair: remote, namespaces: [port]}}, schedulePolicyName: hourly, suspend: true, autoSuspend: true}
status: {applicationActivated: true}
---
kind: MigrationSchedule
metadata: {name: hourly, namespace: depot, annotations: {stork.libopenstorage.org/static-copy: "true"}}
spec: {template: {spec: {clusterPair: remote, namespaces: [depot]}}, schedulePolicyName: hourly, suspend: true, autoSuspend: true}
`)
	for document := range strings.SplitSeq(testdata("stork.yaml"), "\n---\n") {
		if strings.Contains(document, "kind: ApplicationRegistration") {
			create(destination, document)
		}
	}
}

// credential returns what a ClusterPair says of the destination and of the user there, and writes a command that tells the latter.
func credential() (cluster, user string) {
	GinkgoHelper()
	kubeconfig, err := destination.UserKubeconfig(pairUser, "system:masters")
	Expect(err).NotTo(HaveOccurred())
	config, err := clientcmd.Load(kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	at := config.Contexts[config.CurrentContext]
	asText := func(value any) string {
		content, err := json.Marshal(value)
		Expect(err).NotTo(HaveOccurred())
		return string(content)
	}
	auth := config.AuthInfos[at.AuthInfo]
	answer := asText(map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
		"status": map[string]any{"clientCertificateData": string(auth.ClientCertificateData), "clientKeyData": string(auth.ClientKeyData)},
	})
	script := "#!/bin/sh\ncat <<'EOF'\n" + answer + "\nEOF\n"
	Expect(os.WriteFile(inWorkspace("credential"), []byte(script), 0o700)).To(Succeed())
	return asText(map[string]any{
			"server": config.Clusters[at.Cluster].Server, "certificate-authority-data": config.Clusters[at.Cluster].CertificateAuthorityData,
		}), asText(map[string]any{
			"client-certificate-data": auth.ClientCertificateData, "client-key-data": auth.ClientKeyData,
		})
}

// makeApplication makes the application at the source.
func makeApplication(ctx context.Context, namespace string) {
	GinkgoHelper()
	for _, object := range application(namespace) {
		Eventually(func() error { return here.Create(ctx, object) }).Should(Or(Succeed(), Satisfy(apierrors.IsAlreadyExists)))
	}
	awaitBound(ctx, here, namespace)
}

// application returns the objects of the application as they are made.
func application(namespace string) []*unstructured.Unstructured {
	GinkgoHelper()
	return decode(testdata("application.yaml", "$NAMESPACE", namespace), namespace)
}

// bringApplication brings the application to the destination as Stork does: objects without what is the source's own, stopped, each
// with annotations that tell of it, by plain creations and updates. Its Migration is long gone.
func bringApplication(ctx context.Context, namespace string) {
	GinkgoHelper()
	err := storkThere.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	for _, object := range application(namespace) {
		object = get(ctx, here, object)
		if object.GetKind() == "PersistentVolumeClaim" {
			bringVolume(ctx, object)
			continue
		}
		brought := prepared(object)
		stop(brought)
		if object.GetKind() == "Keeper" {
			brought = stashed(brought)
		}
		bring(ctx, brought)
	}
}

// prepared is an object as Stork collects it: without the metadata that is the source's own. The status of built-in kinds is kept.
func prepared(object *unstructured.Unstructured) *unstructured.Unstructured {
	kept := object.DeepCopy()
	kept.Object["metadata"] = map[string]any{"name": object.GetName()}
	kept.SetNamespace(object.GetNamespace())
	kept.SetLabels(object.GetLabels())
	kept.SetAnnotations(object.GetAnnotations())
	return kept
}

// stop stops what runs, and remembers what it was.
func stop(object *unstructured.Unstructured) {
	GinkgoHelper()
	set := func(value any, path ...string) {
		Expect(unstructured.SetNestedField(object.Object, value, path...)).To(Succeed())
	}
	remember := func(key, value string) {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["stork.libopenstorage.org/"+key] = value
		object.SetAnnotations(annotations)
	}
	replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	switch object.GetKind() {
	case "Deployment", "StatefulSet":
		set(int64(0), "spec", "replicas")
		remember("migrationReplicas", fmt.Sprint(replicas))
		labels := map[string]string{"stork.libopenstorage.org/migrated": "true"}
		maps.Copy(labels, object.GetLabels())
		object.SetLabels(labels)
	case "CronJob":
		set(true, "spec", "suspend")
	case "Lamp":
		set(int64(0), "spec", "replicas")
		remember("spec.replicas", fmt.Sprintf("%d,0", replicas))
	case "Horn":
		set(true, "spec", "muted")
		remember("spec.muted", ",true")
	case "Flag":
		set("NEVER", "spec", "startPolicy")
		remember("spec.startPolicy", "ALWAYS,NEVER")
	case "Service":
		unstructured.RemoveNestedField(object.Object, "spec", "clusterIPs")
		set("", "spec", "clusterIP")
	}
}

// stashed is the ConfigMap in which a custom resource waits.
func stashed(object *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	content, err := object.MarshalJSON()
	Expect(err).NotTo(HaveOccurred())
	group := object.GroupVersionKind().Group
	configMap := named(corev1.SchemeGroupVersion.WithKind("ConfigMap"), object.GetNamespace(), stashName(object.GetName()))
	configMap.SetLabels(map[string]string{"stash-cr": "true", "resource-kind": object.GetKind()})
	configMap.SetAnnotations(map[string]string{
		"stork.libopenstorage.org/skip-resource": "true", "stork.libopenstorage.org/created-by-stork": "true",
	})
	Expect(group).To(Equal("lighthouse.example.com"))
	configMap.Object["data"] = map[string]any{"cr-runtime-object": string(content), "ownedPVCs": "{}", "name": object.GetName()}
	return configMap
}

func stashName(keeper string) string { return "keeper-lighthouse.example.com-" + keeper }

// bring creates an object with what Stork writes on all objects.
func bring(ctx context.Context, object *unstructured.Unstructured) {
	GinkgoHelper()
	annotations := map[string]string{
		"stork.libopenstorage.org/migrated":           "true",
		"stork.libopenstorage.org/migrationName":      "nightly-interval-2024-03-01-110000",
		"stork.libopenstorage.org/migrationNamespace": object.GetNamespace(),
		"stork.libopenstorage.org/migrationTime":      "2024-03-01-110000",
		"stork.libopenstorage.org/resource-hash":      "16045690984503098046",
	}
	if object.GetKind() == "PersistentVolume" {
		delete(annotations, "stork.libopenstorage.org/resource-hash")
	}
	maps.Copy(annotations, object.GetAnnotations())
	object.SetAnnotations(annotations)
	Eventually(func() error { return storkThere.Create(ctx, object) }).Should(Succeed(), id(object))
}

// bringVolume brings a claim and its volume: the volume reserved for no claim and of no class at first, then bound to the new claim,
// then with its class again; it must not be deleted with the claim.
func bringVolume(ctx context.Context, source *unstructured.Unstructured) {
	GinkgoHelper()
	name, _, _ := unstructured.NestedString(source.Object, "spec", "volumeName")
	volume := prepared(get(ctx, here, named(corev1.SchemeGroupVersion.WithKind("PersistentVolume"), "", name)))
	set := func(value any, path ...string) {
		Expect(unstructured.SetNestedField(volume.Object, value, path...)).To(Succeed())
	}
	unstructured.RemoveNestedField(volume.Object, "spec", "claimRef")
	set("", "spec", "storageClassName")
	set("Retain", "spec", "persistentVolumeReclaimPolicy")
	volume.SetAnnotations(map[string]string{
		"stork.libopenstorage.org/reclaimPolicy": "Delete", "stork.libopenstorage.org/current-storage-class-name": "slow",
	})
	bring(ctx, volume)
	brought := prepared(source)
	bring(ctx, brought)
	update := func(value any, path ...string) {
		Eventually(func() error {
			volume = get(ctx, there, volume)
			set(value, path...)
			return storkThere.Update(ctx, volume)
		}).Should(Succeed())
	}
	update(map[string]any{"name": "data", "namespace": source.GetNamespace(), "uid": string(brought.GetUID())}, "spec", "claimRef")
	awaitBound(ctx, there, source.GetNamespace())
	update("slow", "spec", "storageClassName")
}

func awaitBound(ctx context.Context, cluster client.Client, namespace string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		found := claim(namespace)
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(found), found)).To(Succeed())
		g.Expect(found.Status.Phase).To(Equal(corev1.ClaimBound))
	}).Should(Succeed())
}
