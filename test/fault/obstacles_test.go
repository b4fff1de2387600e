package fault_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// webhook has a server judge the ConfigMaps of a scenario at the destination.
func webhook(kind string, judge func(*http.Request, *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse) func(*world) func() {
	return func(w *world) func() {
		server := httptest.NewTLSServer(http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
			review := &admissionv1.AdmissionReview{}
			if err := json.NewDecoder(r.Body).Decode(review); err != nil {
				http.Error(writer, err.Error(), http.StatusBadRequest)
				return
			}
			review.Response = judge(r, review.Request)
			review.Response.UID = review.Request.UID
			_ = json.NewEncoder(writer).Encode(review)
		}))
		authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		configuration := object(w.namespace, fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: %s
metadata: {name: NS}
webhooks:
- name: judge.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 1
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  clientConfig: {url: "%s"}`, kind, server.URL))
		called := configuration.Object["webhooks"].([]any)[0].(map[string]any)["clientConfig"].(map[string]any)
		called["caBundle"] = base64.StdEncoding.EncodeToString(authority)
		give(w.T, there, configuration)
		w.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		w.Cleanup(func() { w.remove(configuration) })
		return func() { w.remove(configuration) }
	}
}

// remove deletes an object at the destination, if it is there.
func (w *world) remove(o *unstructured.Unstructured) {
	w.Helper()
	w.Expect(client.IgnoreNotFound(there.Delete(context.Background(), o.DeepCopy()))).To(Succeed())
}

func allow() *admissionv1.AdmissionResponse { return &admissionv1.AdmissionResponse{Allowed: true} }

// deny refuses what has this name.
func deny(name string) func(*http.Request, *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return func(_ *http.Request, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		if r.Name != name {
			return allow()
		}
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Code: http.StatusForbidden, Message: "no such price"}}
	}
}

// hang does not answer about what has this name.
func hang(name string) func(*http.Request, *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return func(request *http.Request, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		if r.Name == name {
			<-request.Context().Done()
		}
		return allow()
	}
}

// overrule gives what has this name another price.
func overrule(name string) func(*http.Request, *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return func(_ *http.Request, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		response := allow()
		if r.Name == name {
			response.PatchType = new(admissionv1.PatchTypeJSONPatch)
			response.Patch = []byte(`[{"op": "replace", "path": "/data/price", "value": "mine"}]`)
		}
		return response
	}
}

// quota lets the destination have so many ConfigMaps, and waits until they are counted.
func quota(configMaps int) func(*world) func() {
	return func(w *world) func() {
		o := object(w.namespace, fmt.Sprintf(
			`{apiVersion: v1, kind: ResourceQuota, metadata: {name: few, namespace: NS}, spec: {hard: {count/configmaps: "%d"}}}`, configMaps))
		give(w.T, there, o)
		w.Eventually(func() *unstructured.Unstructured { return find(w.T, there, o) }).Should(
			WithTransform(func(o *unstructured.Unstructured) any { return o.Object["status"] }, HaveKey("used")))
		return func() { w.remove(o) }
	}
}

// terminating has the destination's namespace wait for a finalizer.
func terminating(w *world) func() {
	holder := object(w.namespace, `{apiVersion: v1, kind: ConfigMap, metadata: {name: holder, namespace: NS, finalizers: [example.com/hold]}}`)
	give(w.T, there, holder)
	namespace := w.planned["Namespace "+w.namespace]
	w.remove(namespace)
	w.Eventually(func() []string {
		var left []string
		for name, o := range w.census() {
			if o.GetNamespace() != metav1.NamespaceNone {
				left = append(left, name)
			}
		}
		return left
	}).Should(ConsistOf(key(holder)))
	return func() {
		w.Expect(there.Patch(context.Background(), holder.DeepCopy(),
			client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		w.Eventually(func() *unstructured.Unstructured { return find(w.T, there, namespace) }).Should(BeNil())
	}
}

// otherSchema gives the destination another definition of the same kind, one that somebody else has brought.
func otherSchema(w *world) func() {
	definition := object(w.namespace, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.NS.example.com}}`)
	w.Expect(there.Patch(context.Background(), definition.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(`[
		{"op": "remove", "path": "/metadata/annotations"},
		{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum", "value": 20},
		{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/colour"}]`)))).To(Succeed())
	return func() { give(w.T, there, platform(w.namespace)[1]) }
}

// leaving has a ConfigMap at the destination wait for a finalizer.
func leaving(name string) func(*world) func() {
	return func(w *world) func() {
		o := w.planned["ConfigMap "+name].DeepCopy()
		w.Expect(there.Patch(context.Background(), o.DeepCopy(),
			client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`)))).To(Succeed())
		w.remove(o)
		return func() {}
	}
}

// letGo returns what removes the finalizer.
func letGo(name string) func(*http.Request) {
	return func(r *http.Request) {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		o.SetName(name)
		o.SetNamespace(strings.Split(r.URL.Path, "/")[4])
		if err := there.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
			panic(err)
		}
	}
}

// goingAtSource has a ConfigMap at the source wait for a finalizer.
func goingAtSource(name string) func(*world) func() {
	return func(w *world) func() {
		o := w.planned["ConfigMap "+name].DeepCopy()
		hold := func(finalizers string) {
			w.Expect(here.Patch(context.Background(), o.DeepCopy(),
				client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":`+finalizers+`}}`)))).To(Succeed())
		}
		hold(`["example.com/hold"]`)
		w.Expect(here.Delete(context.Background(), o.DeepCopy())).To(Succeed())
		w.objects = slices.DeleteFunc(w.objects, func(other *unstructured.Unstructured) bool { return key(other) == key(o) })
		return func() { hold("null") }
	}
}

// annotated gives a ConfigMap at the source as many annotations as it can have.
func annotated(name string) func(*world) func() {
	return func(w *world) func() {
		o := w.planned["ConfigMap "+name].DeepCopy()
		annotate := func(value string) {
			w.Expect(here.Patch(context.Background(), o.DeepCopy(),
				client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"notes":`+value+`}}}`)))).To(Succeed())
		}
		annotate(`"` + strings.Repeat("x", 256<<10-100) + `"`)
		return func() { annotate("null") }
	}
}

// disturb deletes one ConfigMap at the source and changes another.
func disturb(gone, changed string) func(*http.Request) {
	return func(r *http.Request) {
		configMap := func(name string) *corev1.ConfigMap {
			return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: strings.Split(r.URL.Path, "/")[4], Name: name}}
		}
		err := here.Patch(context.Background(), configMap(changed), client.RawPatch(types.MergePatchType, []byte(`{"data":{"price":"changed"}}`)))
		if err := errors.Join(err, here.Delete(context.Background(), configMap(gone))); err != nil {
			panic(err)
		}
	}
}

// meddler is an annotation that others add to objects at the destination.
const meddler = "example.com/meddler"

// meddle returns a fault that has somebody else change an object just before it is written.
func meddle(patch string, of faultproxy.Match, times int64) *faultproxy.Fault {
	return &faultproxy.Fault{Of: of, Times: times, Do: faultproxy.Before(func(r *http.Request) {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		o.SetName(path.Base(r.URL.Path))
		o.SetNamespace(strings.Split(r.URL.Path, "/")[4])
		err := there.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner("meddler"))
		if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
			panic(err)
		}
	})}
}

// deadAPI registers an API of a server that does not exist.
func deadAPI(at *client.WithWatch) func(*world) func() {
	return func(w *world) func() {
		service := object(w.namespace, `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.dead-NS.example.com}
spec:
  group: dead-NS.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: default}`)
		give(w.T, *at, service)
		remove := func() {
			w.Expect(client.IgnoreNotFound((*at).Delete(context.Background(), service.DeepCopy()))).To(Succeed())
		}
		w.Cleanup(remove)
		return remove
	}
}

// deadConversion stores objects of a kind in another version than the source serves first, whose webhook does not exist.
func deadConversion(w *world) func() {
	const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.other-NS.example.com}
spec:
  group: other-NS.example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - {name: v1, served: true, storage: %t, schema: {openAPIV3Schema: {type: object}}}
  - {name: v2, served: true, storage: %t, schema: {openAPIV3Schema: {type: object}}}
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {service: {name: nobody, namespace: default}}}`
	gadget := object(w.namespace, `{apiVersion: other-NS.example.com/v1, kind: Gadget, metadata: {name: one, namespace: NS}}`)
	give(w.T, here, object(w.namespace, fmt.Sprintf(definition, true, false)), gadget)
	w.Cleanup(func() {
		w.Expect(here.Delete(context.Background(), object(w.namespace, fmt.Sprintf(definition, true, false)))).To(Succeed())
	})
	return func() {}
}
