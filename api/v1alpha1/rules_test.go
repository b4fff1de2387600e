package v1alpha1_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// ruleFile is a file of testdata/rules.
type ruleFile struct {
	Base  json.RawMessage
	Rules []rule
}

// rule is a merge patch that makes the base bad, the message it is refused with and the field that this is about if there
// could be a doubt, and a patch that is just good enough.
type rule struct {
	Message, Field string
	Bad, Good      json.RawMessage
}

func ruleFiles() []ruleFile {
	var files []ruleFile
	for _, path := range must(filepath.Glob("testdata/rules/*.yaml")) {
		var file ruleFile
		if err := yaml.UnmarshalStrict(must(os.ReadFile(path)), &file); err != nil {
			panic(path + ": " + err.Error())
		}
		files = append(files, file)
	}
	return files
}

// object is the base with a patch.
func (f ruleFile) object(patch json.RawMessage) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(must(jsonpatch.MergePatch(f.Base, patch))); err != nil {
		panic(err)
	}
	return place(obj, "default")
}

var _ = Describe("validation", func() {
	for _, file := range ruleFiles() {
		for _, rule := range file.Rules {
			bad, good := file.object(rule.Bad), file.object(rule.Good)
			It(fmt.Sprintf("of %s refuses %s: %s", bad.GetKind(), rule.Bad, rule.Message), func(ctx SpecContext) {
				err := k8s.Create(ctx, bad, client.DryRunAll, strict)
				Expect(err).To(Satisfy(apierrors.IsInvalid))
				Expect(err).To(MatchError(ContainSubstring(rule.Message)))
				if rule.Field != "" {
					Expect(fields(err)).To(ContainElement(rule.Field))
				}
			})
			It(fmt.Sprintf("of %s takes %s", good.GetKind(), rule.Good), func(ctx SpecContext) {
				Expect(k8s.Create(ctx, good, client.DryRunAll, strict)).To(Succeed())
			})
		}
	}

	It("has a bad and a good case for each CEL rule", func() {
		tried := map[string]bool{}
		for _, file := range ruleFiles() {
			for _, rule := range file.Rules {
				tried[file.object(rule.Good).GetKind()+": "+rule.Message] = true
			}
		}
		for _, crd := range readCRDs() {
			for _, message := range messages(*crd.Spec.Versions[0].Schema.OpenAPIV3Schema) {
				Expect(tried).To(HaveKey(crd.Spec.Names.Kind + ": " + message))
			}
		}
	})
})

// fields are those that an error of the API server is about.
func fields(err error) []string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return nil
	}
	var names []string
	for _, cause := range status.ErrStatus.Details.Causes {
		names = append(names, cause.Field)
	}
	return names
}

// messages are those of all CEL rules in a schema.
func messages(schema apiextensionsv1.JSONSchemaProps) []string {
	var all []string
	for _, rule := range schema.XValidations {
		// One about changes alone cannot break when something is created.
		if !strings.Contains(rule.Rule, "oldSelf") || rule.OptionalOldSelf != nil {
			all = append(all, rule.Message)
		}
	}
	for _, property := range schema.Properties {
		all = append(all, messages(property)...)
	}
	if schema.Items != nil {
		all = append(all, messages(*schema.Items.Schema)...)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		all = append(all, messages(*schema.AdditionalProperties.Schema)...)
	}
	return all
}
