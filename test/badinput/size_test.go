package badinput_test

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// contentLimit is what ConfigMaps and Secrets hold at most, annotationsLimit what all annotations of an object do.
	contentLimit     = 1 << 20
	annotationsLimit = 256 << 10
	// requestLimit is what etcd takes at most.
	requestLimit = 3 << 19
)

var _ = Describe("what is huge", func() {
	It("arrives: a full ConfigMap, a full Secret, and a custom resource of 1.4 MiB", func(ctx SpecContext) {
		installBoxes(ctx)
		namespace := newNamespace(ctx)
		full := configMap(namespace, "full", strings.Repeat("c", contentLimit))
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "full"},
			Data:       map[string][]byte{"content": []byte(strings.Repeat("s", contentLimit))},
		}
		great := box(namespace, "great", map[string]any{"content": strings.Repeat("b", 14*requestLimit/15)})
		for _, object := range []client.Object{full, secret, great} {
			Expect(here.Create(ctx, object)).To(Succeed())
		}

		migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Expect(arrived(ctx, full).Data).To(Equal(full.Data))
		Expect(arrived(ctx, secret).Data).To(Equal(secret.Data))
		Expect(arrived(ctx, great).Object["spec"]).To(Equal(great.Object["spec"]))

		By("and is left as it is by the next one")
		again := migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Expect(again.Status.Summary.ResourcesUpdated + again.Status.Summary.ResourcesCreated).To(BeZero())
	})

	It("is told of where it does not fit with what a migration adds, and keeps nothing else back", func(ctx SpecContext) {
		installBoxes(ctx)
		namespace := newNamespace(ctx)
		annotated := configMap(namespace, "annotated", "x")
		const key = "example.com/notes"
		annotated.Annotations = map[string]string{key: strings.Repeat("a", annotationsLimit-len(key))}
		small := configMap(namespace, "small", "x")
		for _, object := range []client.Object{annotated, small, fullBox(ctx, namespace)} {
			Expect(client.IgnoreAlreadyExists(here.Create(ctx, object))).To(Succeed())
		}

		migration := start(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		finish(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess))
		Expect(failures(migration)).To(HaveLen(2))
		Expect(failures(migration)).To(HaveKeyWithValue("ConfigMap/annotated", ContainSubstring("annotations: Too long")))
		Expect(failures(migration)).To(HaveKeyWithValue("Box/brimful", ContainSubstring("too large")))
		Expect(len(must(json.Marshal(migration)))).To(BeNumerically("<", 16<<10), "the objects' contents are not in it")
		arrived(ctx, small)
	})

	It("is in the report: 10,000 objects, with a status below 100 KiB", func(ctx SpecContext) {
		const objects = 10_000
		namespace := newNamespace(ctx)
		createConfigMaps(ctx, namespace, objects)
		migration := migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Expect(len(must(json.Marshal(migration)))).To(BeNumerically("<", 100<<10))

		names := map[string]bool{}
		for _, info := range report(ctx, migration) {
			if info.Kind == "ConfigMap" && info.Status == storkv1alpha1.MigrationStatusSuccessful {
				names[info.Name] = true
			}
		}
		Expect(names).To(HaveLen(objects))
		printed, err := storkctl(ctx, "get", "migrations", migration.Name, "-n", migration.Namespace, "--report")
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(printed, "\nConfigMap ")).To(Equal(objects))
	})
})

// fullBox creates the greatest Box that the source's API server stores, to the byte.
func fullBox(ctx SpecContext, namespace string) client.Object {
	GinkgoHelper()
	fits, tooMuch := 14*requestLimit/15, requestLimit
	for tooMuch-fits > 1 {
		size := (fits + tooMuch) / 2
		probe := box(namespace, "brimful", map[string]any{"content": strings.Repeat("b", size)})
		if here.Create(ctx, probe) != nil {
			tooMuch = size
			continue
		}
		fits = size
		Expect(here.Delete(ctx, probe)).To(Succeed())
	}
	return box(namespace, "brimful", map[string]any{"content": strings.Repeat("b", fits)})
}

func must[T any](value T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return value
}
