package takeover_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// itServesClientsOfStork has Stork's client, for example an old storkctl, work on what Godwit serves.
func itServesClientsOfStork() {
	It("runs a Migration that Stork's client creates", func(ctx SpecContext) {
		_, err := stork(ctx, source, `
kind: Migration
metadata: {name: by-stork, namespace: shop}
spec: {clusterPair: remote, namespaces: [shop], includeResources: true, includeVolumes: false, startApplications: false}
`, "create")
		Expect(err).NotTo(HaveOccurred())
		Expect(awaitFinal(ctx, shop, "by-stork").Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful))
	})

	It("takes plain updates of Stork's client, and keeps what that client does not know in the status", func(ctx SpecContext) {
		for _, before := range snapshot(ctx, here) {
			plural := strings.ToLower(before.GetKind()) + "s"
			plural = strings.Replace(plural, "policys", "policies", 1)
			storkUpdates(ctx, plural, before.GetNamespace()+"/"+before.GetName(), "{}")
			after := get(ctx, here, before)
			Expect(lost(payload(before), payload(after), id(before))).To(BeEmpty())
			Expect(lost(before.Object["status"], after.Object["status"], id(before))).To(BeEmpty())
		}
	})

	It("takes what Stork's storkctl suspends and resumes", func(ctx SpecContext) {
		for _, suspend := range []bool{true, false} {
			storkUpdates(ctx, "migrationschedules", "port/nightly", fmt.Sprintf(`{"spec":{"suspend":%t}}`, suspend))
			schedule := get(ctx, here, ofStork("MigrationSchedule", port, "nightly"))
			Expect(schedule.Object["spec"]).To(HaveKeyWithValue("suspend", suspend))
		}
	})

	It("does not let Stork's client, which does not know it, lose the name of a pair's Secret", func(ctx SpecContext) {
		pair := ofStork("ClusterPair", shop, "by-secret")
		pair.Object["spec"] = map[string]any{"kubeconfigSecretRef": map[string]any{"name": "elsewhere"}}
		Expect(here.Create(ctx, pair)).To(Succeed())
		Eventually(func() error {
			_, err := stork(ctx, source, "", "update", "clusterpairs", "shop/by-secret", "{}")
			return err
		}).Should(MatchError(ContainSubstring("it has no clusters, users and contexts")))
	})

	It("learns from Stork's storkctl whether applications are active, though that goes by the status of a plain update", func(ctx SpecContext) {
		for _, activated := range []bool{true, false} {
			storkUpdates(ctx, "migrationschedules", "shop/from-elsewhere", fmt.Sprintf(`{"status":{"applicationActivated":%t}}`, activated))
			Eventually(func() map[string]any {
				return get(ctx, here, ofStork("MigrationSchedule", shop, "from-elsewhere")).Object
			}).Should(And(
				HaveKeyWithValue("status", HaveKeyWithValue("applicationActivated", activated)),
				HaveKeyWithValue("metadata", HaveKeyWithValue("annotations", Not(HaveKey(storkv1alpha1.AnnotationApplicationActivated)))),
			))
		}
	})
}

// statusWrites are what Stork writes into statuses, all by plain updates.
var statusWrites = []struct{ plural, kind, namespace, name, field, value, writer string }{
	{"clusterpairs", "ClusterPair", shop, "remote", "schedulerStatus", "Error", "the pairing"},
	{"migrations", "Migration", shop, "adopt", "stage", "Volumes", "each stage of a Migration"},
	{"migrationschedules", "MigrationSchedule", shop, "from-elsewhere", "applicationActivated", "true", "activation"},
	{"migrationschedules", "MigrationSchedule", port, "nightly", "items", `{"Daily":[{"name":"nightly-daily-1","status":"Pending"}]}`, "what a schedule triggered"},
	{"resourcetransformations", "ResourceTransformation", shop, "hopeless", "status", "Ready", "the dry run"},
	{"actions", "Action", port, "failback-nightly-2024-03-02-130000", "stage", "ScaleUpSource", "each stage of an Action"},
}

// itLeavesToStork has Stork come back to what Godwit left.
func itLeavesToStork() {
	It("leaves CRDs that Stork takes for its own", func(ctx SpecContext) {
		crd := named(customResourceDefinition, "", "migrations.stork.libopenstorage.org")
		before := get(ctx, here, crd)
		_, err := stork(ctx, source, "", "crds")
		Expect(err).NotTo(HaveOccurred())
		Expect(get(ctx, here, crd).GetResourceVersion()).To(Equal(before.GetResourceVersion()))
	})

	It("leaves objects that Stork's client reads", func(ctx SpecContext) {
		live, read := snapshot(ctx, here), storkLists(ctx)
		Expect(read).To(HaveLen(len(live)))
		for name, object := range read {
			Expect(lost(payload(object), payload(live[name]), name)).To(BeEmpty())
			Expect(lost(object.Object["status"], live[name].Object["status"], name)).To(BeEmpty())
		}
		Expect(read[id(ofStork("Migration", shop, "adopt"))].Object["status"]).To(HaveKeyWithValue("status", "Successful"))
	})

	It("cannot keep the name of a pair's Secret any more", func(ctx SpecContext) {
		storkUpdates(ctx, "clusterpairs", "shop/by-secret", "{}")
		Expect(get(ctx, here, ofStork("ClusterPair", shop, "by-secret")).Object["spec"]).NotTo(HaveKey("kubeconfigSecretRef"))
	})

	It("lets Stork's client create objects of all kinds, but none that could never work", func(ctx SpecContext) {
		for _, name := range []string{shop, port, hold} {
			Expect(here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "new-" + name}})).To(Succeed())
		}
		cluster, user := credential()
		anew := strings.NewReplacer("namespace: ", "namespace: new-", "namespaces: [", "namespaces: [new-")
		created := map[string]bool{}
		for document := range strings.SplitSeq(strings.Join([]string{
			testdata("stork.yaml"), testdata("pairs.yaml", "$CLUSTER", cluster, "$USER", user, "$COMMAND", "credential"),
			testdata("migrations.yaml", "$SCHEDULE", "none"),
		}, "---\n"), "---\n") {
			if !strings.Contains(document, "namespace: ") {
				document = strings.Replace(document, "metadata: {name: ", "metadata: {name: new-", 1)
			}
			_, err := stork(ctx, source, anew.Replace(document), "create")
			if strings.Contains(document, "without-pair") {
				Expect(err).To(MatchError(ContainSubstring("clusterPair to migrate to cannot be empty")))
				continue
			}
			Expect(err).NotTo(HaveOccurred())
			created[kindOf(document)] = true
		}
		Expect(slices.Sorted(maps.Keys(created))).To(Equal(kindsOfStork))
	})

	It("drops what Stork writes into statuses, as long as its CRDs have them apart", func(ctx SpecContext) {
		for _, w := range statusWrites {
			before := get(ctx, here, ofStork(w.kind, w.namespace, w.name))
			writeStatus(ctx, w.plural, before, w.field, w.value)
			Expect(get(ctx, here, before).Object["status"]).To(Equal(before.Object["status"]), w.writer)
		}
	})

	It("has the statuses back where Stork writes them after the commands of the README", func(ctx SpecContext) {
		before := snapshot(ctx, here)
		_, err := localgodwit.Run(ctx, source, workspace, nil, "sh", "-c",
			"set -e; PATH="+filepath.Dir(source.KubectlPath())+":$PATH\n"+commandsOfREADME("kubectl patch crd"))
		Expect(err).NotTo(HaveOccurred())
		for _, w := range statusWrites {
			object := ofStork(w.kind, w.namespace, w.name)
			Eventually(func() any {
				writeStatus(ctx, w.plural, object, w.field, w.value)
				return fmt.Sprint(get(ctx, here, object).Object["status"].(map[string]any)[w.field])
			}).ShouldNot(Equal(fmt.Sprint(before[id(object)].Object["status"].(map[string]any)[w.field])), w.writer)
		}
	})

	It("is followed by Godwit again, which finds what Stork wrote", func(ctx SpecContext) {
		before := snapshot(ctx, here)
		install(ctx)
		after := snapshot(ctx, here)
		Expect(after).To(HaveLen(len(before)))
		for name, object := range before {
			Expect(lost(payload(object), payload(after[name]), name)).To(BeEmpty())
			Expect(lost(object.Object["status"], after[name].Object["status"], name)).To(BeEmpty())
		}
		for _, w := range statusWrites {
			Eventually(func() error { return here.Status().Update(ctx, get(ctx, here, ofStork(w.kind, w.namespace, w.name))) }).Should(Succeed(), w.kind)
		}
	})
}

func kindOf(document string) string {
	_, rest, _ := strings.Cut(document, "kind: ")
	kind, _, _ := strings.Cut(rest, "\n")
	return kind
}

// writeStatus has Stork write a field of a status.
func writeStatus(ctx context.Context, plural string, object *unstructured.Unstructured, field, value string) {
	GinkgoHelper()
	if !strings.HasPrefix(value, "{") && value != "true" {
		value = `"` + value + `"`
	}
	name := object.GetNamespace() + "/" + object.GetName()
	storkUpdates(ctx, plural, name, fmt.Sprintf(`{"status":{%q:%s}}`, field, value))
}

// commandsOfREADME returns the block of commands of the README in which a command is.
func commandsOfREADME(command string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	Expect(err).NotTo(HaveOccurred())
	for i, block := range strings.Split(string(content), "```") {
		if i%2 == 1 && strings.Contains(block, command) {
			return block
		}
	}
	Fail("the README has no commands with " + command)
	return ""
}
