package apply_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// forbid has the API server refuse ConfigMaps and Secrets in the namespace that do not fulfil the expression. It must not allow a
// label "a" or a data "key" whose value is "probe".
func forbid(namespace, expression string) {
	GinkgoHelper()
	for _, o := range []*unstructured.Unstructured{
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: ` + namespace + `}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ` + namespace + `}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps, secrets]}]
  validations: [{expression: "` + expression + `", message: "not here"}]`),
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: ` + namespace + `}
spec: {policyName: ` + namespace + `, validationActions: [Deny]}`),
	} {
		given("test", o)
		DeferCleanup(func() error { return clientFor(o).Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}) })
	}
	Eventually(func() error {
		probe := object("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: probe-, labels: {a: probe}, namespace: " + namespace + "}, data: {key: probe}}")
		_, err := clientFor(probe).Create(context.Background(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}).WithTimeout(time.Minute).Should(MatchError(ContainSubstring("not here")))
}

// mutate has the API server overrule the label "team" of ConfigMaps in the namespace.
func mutate(namespace string) {
	GinkgoHelper()
	for _, o := range []*unstructured.Unstructured{
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: ` + namespace + `}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ` + namespace + `}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: 'Object{metadata: Object.metadata{labels: {"team": "theirs"}}}'}`),
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: ` + namespace + `}
spec: {policyName: ` + namespace + `}`),
	} {
		given("test", o)
		DeferCleanup(func() error { return clientFor(o).Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}) })
	}
	Eventually(func() (map[string]string, error) {
		probe := object("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: probe-, namespace: " + namespace + "}}")
		created, err := clientFor(probe).Create(context.Background(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return nil, err
		}
		return created.GetLabels(), nil
	}).WithTimeout(time.Minute).Should(HaveKeyWithValue("team", "theirs"))
}
