package tenant_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// What these leave behind is looked through when all have run.
var _ = Describe("A secret", Ordered, ContinueOnFailure, func() {
	const name = "mallory-secrets"
	var mallory *tenant

	BeforeAll(func(ctx SpecContext) {
		mallory = newTenant(ctx, name)
		mallory.create(ctx, &storkv1alpha1.BackupLocation{
			ObjectMeta: metav1.ObjectMeta{Name: "store"},
			Location: storkv1alpha1.BackupLocationItem{Type: storkv1alpha1.BackupLocationS3, Path: "bucket", S3Config: &storkv1alpha1.S3Config{
				AccessKeyID: planted("access key"), SecretAccessKey: planted("secret key"),
			}},
		})
	})

	It("that a server sends back while a pair is probed is not told", func(ctx SpecContext) {
		echo := func(status int, when string) *kubeconfig {
			return inFrontOf(mallory, func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, when) {
					return false
				}
				authorization := r.Header.Get("Authorization")
				for _, header := range []string{"WWW-Authenticate", "Warning", "Retry-After", "Audit-Id", "X-Echo"} {
					w.Header().Set(header, `299 - "`+authorization+`"`)
				}
				answer(w, status, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"reason":%q,"code":%d}`,
					authorization, authorization, status)
				return true
			})
		}
		for _, when := range []string{"/version", "selfsubjectaccessreviews"} {
			for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 503, 999} {
				mallory.pair(ctx, fmt.Sprintf("echo-%d-%d", status, len(when)), echo(status, when))
			}
		}
		Eventually(func(g Gomega) {
			pairs := &storkv1alpha1.ClusterPairList{}
			g.Expect(here.List(ctx, pairs, client.InNamespace(name))).To(Succeed())
			for _, pair := range pairs.Items {
				g.Expect(pair.Status.SchedulerStatus).NotTo(BeEmpty(), pair.Name)
			}
		}).Should(Succeed())
	})

	It("in the addresses of a kubeconfig is not told", func(ctx SpecContext) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		Expect(closed.Close()).To(Succeed())
		query := mallory.honest()
		query.cluster.Server = "https://" + closed.Addr().String() + "/?token=" + planted("token in a query")
		expectPair(ctx, mallory.pair(ctx, "query", query), storkv1alpha1.ReasonUnreachable, "connection refused")
		proxy := mallory.honest()
		proxy.cluster.ProxyURL = "http://me:" + planted("password of a proxy") + "@" + closed.Addr().String()
		expectPair(ctx, mallory.pair(ctx, "proxy", proxy), storkv1alpha1.ReasonUnreachable, "connection refused")
		userinfo := mallory.honest()
		userinfo.cluster.Server = "https://me:" + planted("password of a server") + "@127.0.0.1"
		mallory.expectRefusal(ctx, "userinfo", userinfo, "server has a user name or password in it")
	})

	It("of a pair whose connection breaks is not told", func(ctx SpecContext) {
		var broken atomic.Bool
		k := inFrontOf(mallory, func(w http.ResponseWriter, r *http.Request) bool {
			if !broken.Load() || !strings.HasPrefix(r.URL.Path, "/api") {
				return false
			}
			raw(func(connection net.Conn) { _, _ = io.WriteString(connection, r.Header.Get("Authorization")+"\r\n\r\n") })(w, r)
			return true
		})
		k.cluster.Server += "/?token=" + planted("token in another query")
		expectPair(ctx, mallory.pair(ctx, "breaks", k), storkv1alpha1.ReasonReady, "")
		broken.Store(true)
		migration := mallory.migrate(ctx, "breaks", "breaks", nil)
		expectMessage(ctx, migration, "this will be tried again")
		Expect(here.Delete(ctx, migration)).To(Succeed())
	})

	It("that an admission policy quotes is not told by a ResourceTransformation", func(ctx SpecContext) {
		policy := &admissionv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionv1.MatchResources{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": name}},
					ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
						Operations: []admissionv1.OperationType{admissionv1.Update, admissionv1.Create},
						Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
					}}},
				},
				Validations: []admissionv1.Validation{{
					Expression: "!has(object.metadata.labels) || !('x' in object.metadata.labels)", MessageExpression: "'it is ' + string(object.data.value)",
				}},
			},
		}
		Expect(here.Create(ctx, policy)).To(Succeed())
		Expect(here.Create(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
			},
		})).To(Succeed())
		probe := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "probe", Labels: map[string]string{"x": "y"}}, Data: map[string][]byte{"value": []byte("x")}}
		Eventually(func() error { return here.Create(ctx, probe, client.DryRunAll) }).Should(MatchError(ContainSubstring("it is")))

		transformation := &storkv1alpha1.ResourceTransformation{
			ObjectMeta: metav1.ObjectMeta{Name: "labels"},
			Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{{
				Resource: "/v1/Secret", Paths: []storkv1alpha1.ResourcePath{{Path: "metadata.labels.x", Operation: "add", Type: "string", Value: "y"}},
			}}},
		}
		mallory.create(ctx, transformation)
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(transformation), transformation)).To(Succeed())
			g.Expect(transformation.Status.Status).To(Equal(storkv1alpha1.ResourceTransformationStatusFailed))
		}).Should(Succeed())
		Expect(transformation.Status.Resources).NotTo(BeEmpty())
	})
})
