package apply_test

import (
	"encoding/base64"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Authorities that the destination injects", func() {
	// The API server takes no other authorities of a definition than valid ones.
	bundles := func() (sources, destinations string) {
		authority := cluster.Config().CAData
		return base64.StdEncoding.EncodeToString(authority), base64.StdEncoding.EncodeToString(slices.Concat(authority, authority))
	}

	// authority reads the first webhook's, or the conversion's.
	authority := func(o *unstructured.Unstructured) any {
		if webhooks, ok := o.Object["webhooks"].([]any); ok {
			return at(webhooks[0].(map[string]any), "clientConfig", "caBundle")
		}
		return at(o.Object, "spec", "conversion", "webhook", "clientConfig", "caBundle")
	}

	DescribeTable("are left to it", func(manifest, inject, change string) {
		engine, counter := newEngine(cluster.Config(), apply.Options{})
		sources, destinations := bundles()
		manifest, inject = strings.ReplaceAll(manifest, "SOURCES", sources), strings.ReplaceAll(inject, "DESTINATIONS", destinations)
		o := object(manifest)
		DeferCleanup(func(ctx SpecContext) error { return clientFor(o).Delete(ctx, o.GetName(), deleteOptions) })
		Expect(actions(bring(engine, o))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
		Expect(authority(found(o))).To(Equal(sources), "a destination without an injector needs one")
		edited("cert-manager-cainjector", o, inject)

		counter.reset()
		p := plan(o)
		p.Provenance.MigrationName = "two"
		Expect(actions(bringPlan(engine, p))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
		Expect(writes(counter.reset())).To(BeZero())

		edited("kubectl", o, change)
		Expect(actions(bring(engine, o))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		Expect(authority(found(o))).To(Equal(destinations))
	},
		Entry("in a webhook configuration", `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: injected, annotations: {cert-manager.io/inject-ca-from: shop/certificate}}
webhooks:
- name: judge.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 5
  rules: [{apiGroups: [shop.example.com], apiVersions: [v1], operations: [CREATE], resources: [prices]}]
  clientConfig: {caBundle: SOURCES, service: {name: judge, namespace: shop}}`,
			`{"webhooks":[{"name":"judge.example.com","admissionReviewVersions":["v1"],"sideEffects":"None","timeoutSeconds":5,
				"rules":[{"apiGroups":["shop.example.com"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["prices"]}],
				"clientConfig":{"caBundle":"DESTINATIONS","service":{"name":"judge","namespace":"shop"}}}]}`,
			`{"metadata":{"annotations":{"cert-manager.io/inject-ca-from":"elsewhere/certificate"}}}`),
		Entry("in a definition", `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: prices.injected.example.com, annotations: {cert-manager.io/inject-ca-from-secret: shop/authority}}
spec:
  group: injected.example.com
  scope: Namespaced
  names: {kind: Price, plural: prices, singular: price, listKind: PriceList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {caBundle: SOURCES, service: {name: judge, namespace: shop}}}`,
			`{"spec":{"conversion":{"webhook":{"clientConfig":{"caBundle":"DESTINATIONS"}}}}}`,
			`{"metadata":{"annotations":{"cert-manager.io/inject-ca-from-secret":"elsewhere/authority"}}}`),
	)
})
