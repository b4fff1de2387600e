package badinput_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// caseFile is a file of testdata: the cases of one kind.
type caseFile struct {
	Kind  string
	Cases []badCase
}

// badCase is something that a user gets wrong.
type badCase struct {
	// Refuses says what is wrong.
	Refuses string
	// By is schema, webhook, or the reason of the condition that sums an object up.
	By string
	// Name of the object; each is there once in a file.
	Name string
	// Namespace of the object; empty means shop.
	Namespace string
	// Beside are manifests of what else the user has.
	Beside string
	// Manifest is all of the object but apiVersion, kind and metadata.
	Manifest map[string]any
}

const (
	bySchema  = "schema"
	byWebhook = "webhook"
)

// summaries are the conditions that sum objects up.
var summaries = map[string]string{
	"ClusterPair":            storkv1alpha1.ConditionReady,
	"ResourceTransformation": storkv1alpha1.ConditionReady,
	"Migration":              storkv1alpha1.ConditionSucceeded,
	"MigrationSchedule":      storkv1alpha1.ConditionReady,
}

// caseFiles reads testdata, in the order of the table. It panics on a broken file: ginkgo builds the tree of tests from them.
func caseFiles() []caseFile {
	var files []caseFile
	for _, kind := range []string{"ClusterPair", "Migration", "ResourceTransformation", "Rule", "ApplicationRegistration",
		"MigrationSchedule", "SchedulePolicy", "NamespacedSchedulePolicy", "Action"} {
		content, err := os.ReadFile(filepath.Join("testdata", strings.ToLower(kind)+".yaml"))
		if err != nil {
			panic(err)
		}
		file := caseFile{Kind: kind}
		if err := yaml.UnmarshalStrict(content, &file.Cases); err != nil {
			panic(kind + ": " + err.Error())
		}
		files = append(files, file)
	}
	return files
}

// object is what the user applies.
func (c *badCase) object(kind string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(c.Manifest)}
	object.SetAPIVersion(storkv1alpha1.GroupVersion.String())
	object.SetKind(kind)
	object.SetName(c.Name)
	if kind != "ApplicationRegistration" && kind != "SchedulePolicy" {
		object.SetNamespace(shop)
		if c.Namespace != "" {
			object.SetNamespace(c.Namespace)
		}
	}
	return object
}

var _ = Describe("a mistake", func() {
	for _, file := range caseFiles() {
		for i := range file.Cases {
			mistake := &file.Cases[i]
			It(fmt.Sprintf("in %s: refuses %s", file.Kind, mistake.Refuses), func(ctx SpecContext) {
				if mistake.Beside != "" {
					_, err := kubectl(ctx, fillIn(mistake.Beside), "create", "-f", "-")
					Expect(err).NotTo(HaveOccurred())
				}
				row := seen.add(file.Kind, mistake, apply(ctx, mistake, file.Kind))
				Expect(row.by).To(Equal(mistake.By), "it says: %s", row.message)
				if !*update {
					Expect(goldenRows()).To(ContainElement(row.line()), "to accept it, run this package with -update")
				}
			})
		}
	}

	It("has a row in the table for each case, and none besides", func() {
		if table, complete := seen.table(); !complete {
			Skip("the table can only be compared when all cases are run, and a filter left some out")
		} else if *update {
			Expect(os.WriteFile(readme, []byte(table), 0o600)).To(Succeed())
		} else {
			Expect(golden()).To(Equal(table), "run this package with -update")
		}
	})
})

// apply applies the object as a user would, and returns where and how it is refused.
func apply(ctx SpecContext, mistake *badCase, kind string) refusal {
	GinkgoHelper()
	object := mistake.object(kind)
	manifest, err := yaml.Marshal(object.Object)
	Expect(err).NotTo(HaveOccurred())
	_, err = kubectl(ctx, fillIn(string(manifest)), "create", "-f", "-")
	if err == nil {
		return refusedInStatus(ctx, object, mistake.By)
	}
	message := mask(strings.ReplaceAll(err.Error(), `error when creating "STDIN": `, ""))
	if strings.Contains(message, "admission webhook") {
		return refusal{by: byWebhook, message: message}
	}
	return refusal{by: bySchema, message: message}
}

// refusedInStatus waits for the condition that sums the object up to have a reason.
func refusedInStatus(ctx SpecContext, object *unstructured.Unstructured, reason string) refusal {
	GinkgoHelper()
	Expect(summaries).To(HaveKey(object.GetKind()), "nobody refuses it")
	var found *metav1.Condition
	Eventually(ctx, func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		found = apimeta.FindStatusCondition(conditions(object), summaries[object.GetKind()])
		g.Expect(found).NotTo(BeNil())
		g.Expect(found.Reason).To(Equal(reason), "%s", found.Message)
	}).Should(Succeed())
	Expect(found.Status).NotTo(Equal(metav1.ConditionTrue))
	return refusal{by: found.Reason, condition: found.Type + " is " + string(found.Status), message: mask(found.Message)}
}

func conditions(object *unstructured.Unstructured) []metav1.Condition {
	GinkgoHelper()
	var decoded struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &decoded)).To(Succeed())
	return decoded.Status.Conditions
}
