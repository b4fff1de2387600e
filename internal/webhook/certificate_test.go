package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const day = 24 * time.Hour

var _ = Describe("The certificate of the webhooks", func() {
	var (
		now           *clocktesting.FakeClock
		configuration *admissionregistrationv1.ValidatingWebhookConfiguration
	)
	BeforeEach(func(ctx SpecContext) {
		now = clocktesting.NewFakeClock(time.Now())
		configuration = otherConfiguration(ctx)
		for _, made := range []client.Object{configuration, otherMutating(ctx, configuration.Name)} {
			Expect(admin.Create(ctx, made)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(admin.Delete(ctx, made))).To(Succeed()) })
		}
	})
	// certificate is the one of a replica.
	certificate := func() *Certificate {
		name := configuration.Name
		return &Certificate{
			Client: admin, Configuration: name, Clock: now, Secret: types.NamespacedName{Namespace: adminNamespace, Name: name},
		}
	}

	It("is for the hosts of the configuration, kept in a Secret, and trusted by the configuration", func(ctx SpecContext) {
		made := certificate()
		Expect(made.Ready(nil)).To(MatchError(errNotReady))
		Expect(made.ensure(ctx)).To(Succeed())
		Expect(made.Ready(nil)).To(Succeed())
		expectTrusted(ctx, made)
		secret := &corev1.Secret{}
		Expect(admin.Get(ctx, made.Secret, secret)).To(Succeed())
		Expect(secret.Type).To(Equal(corev1.SecretTypeTLS))
		Expect(secret.Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationSkipResource, "true"))
	})

	It("is shared by replicas", func(ctx SpecContext) {
		first, second := certificate(), certificate()
		Expect(first.ensure(ctx)).To(Succeed())
		before := live(ctx, first).ResourceVersion
		Expect(second.ensure(ctx)).To(Succeed())
		Expect(leafOf(second)).To(Equal(leafOf(first)))
		Expect(live(ctx, first).ResourceVersion).To(Equal(before), "the configuration needs no further change")
	})

	It("stays for two thirds of its life and is then renewed, while the old one is still trusted", func(ctx SpecContext) {
		old, renewed := certificate(), certificate()
		Expect(old.ensure(ctx)).To(Succeed())
		now.Step(240 * day)
		Expect(renewed.ensure(ctx)).To(Succeed())
		Expect(leafOf(renewed)).To(Equal(leafOf(old)))
		now.Step(10 * day)
		Expect(renewed.ensure(ctx)).To(Succeed())
		Expect(leafOf(renewed)).NotTo(Equal(leafOf(old)))
		expectTrusted(ctx, renewed)
		expectTrusted(ctx, old)
	})

	It("is no longer trusted when it has expired", func(ctx SpecContext) {
		replica := certificate()
		Expect(replica.ensure(ctx)).To(Succeed())
		expired := replica.served.Load().Leaf
		now.Step(500 * day)
		Expect(replica.ensure(ctx)).To(Succeed())
		for _, webhook := range live(ctx, replica).Webhooks {
			_, err := expired.Verify(x509.VerifyOptions{Roots: pool(webhook.ClientConfig.CABundle), CurrentTime: expired.NotBefore})
			Expect(err).To(HaveOccurred())
		}
	})

	It("replaces one that is broken or for another host", func(ctx SpecContext) {
		_, foreign, err := newCertificate([]string{"other.example.com"})
		Expect(err).NotTo(HaveOccurred())
		replica := certificate()
		secret := &corev1.Secret{Type: corev1.SecretTypeTLS}
		secret.Namespace, secret.Name = replica.Secret.Namespace, replica.Secret.Name
		secret.Data = map[string][]byte{corev1.TLSCertKey: nil, corev1.TLSPrivateKeyKey: nil}
		Expect(admin.Create(ctx, secret)).To(Succeed())
		for name, data := range map[string]map[string][]byte{
			"empty":   secret.Data,
			"broken":  {corev1.TLSCertKey: []byte("x"), corev1.TLSPrivateKeyKey: []byte("y")},
			"foreign": foreign,
		} {
			Expect(admin.Get(ctx, replica.Secret, secret)).To(Succeed())
			secret.Data = data
			Expect(admin.Update(ctx, secret)).To(Succeed())
			Expect(replica.ensure(ctx)).To(Succeed(), name)
			expectTrusted(ctx, replica)
		}
	})

	It("is trusted again soon after somebody has taken its authority out of the configuration", func(ctx SpecContext) {
		replica := certificate()
		running, stop := context.WithCancel(ctx)
		ended := make(chan error)
		go func() { ended <- replica.Start(running) }()
		Eventually(func() error { return replica.Ready(nil) }).Should(Succeed())
		changed := live(ctx, replica)
		for i := range changed.Webhooks {
			changed.Webhooks[i].ClientConfig.CABundle = nil
		}
		Expect(admin.Update(ctx, changed)).To(Succeed())
		Eventually(func() []byte {
			now.Step(checkInterval)
			return live(ctx, replica).Webhooks[0].ClientConfig.CABundle
		}).ShouldNot(BeEmpty())
		expectTrusted(ctx, replica)
		stop()
		Expect(<-ended).To(Succeed())
	})

	It("says which configuration is missing, and goes on as soon as it is there", func(ctx SpecContext) {
		Expect(admin.Delete(ctx, configuration)).To(Succeed())
		replica := certificate()
		Expect(replica.ensure(ctx)).To(MatchError(ContainSubstring("ValidatingWebhookConfiguration " + configuration.Name)))

		running, stop := context.WithCancel(ctx)
		ended := make(chan error)
		go func() { ended <- replica.Start(running) }()
		configuration.ResourceVersion, configuration.UID = "", ""
		Expect(admin.Create(ctx, configuration)).To(Succeed())
		Eventually(func() error {
			now.Step(retryInterval)
			return replica.Ready(nil)
		}).Should(Succeed())
		stop()
		Expect(<-ended).To(Succeed())
	})
})

// otherConfiguration is like the one that is installed, but for kinds that do not exist.
func otherConfiguration(ctx context.Context) *admissionregistrationv1.ValidatingWebhookConfiguration {
	GinkgoHelper()
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: "godwit"}, configuration)).To(Succeed())
	configuration.ObjectMeta = metav1.ObjectMeta{Name: "other-" + rand.String(5)}
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].Rules[0].APIGroups = []string{"nothing.example.com"}
		configuration.Webhooks[i].ClientConfig.CABundle = nil
	}
	return configuration
}

// otherMutating is the one that goes with it.
func otherMutating(ctx context.Context, name string) *admissionregistrationv1.MutatingWebhookConfiguration {
	GinkgoHelper()
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: "godwit"}, configuration)).To(Succeed())
	configuration.ObjectMeta = metav1.ObjectMeta{Name: name}
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].Rules[0].APIGroups = []string{"nothing.example.com"}
		configuration.Webhooks[i].ClientConfig.CABundle = nil
	}
	return configuration
}

// live is a certificate's validating configuration.
func live(ctx context.Context, certificate *Certificate) *admissionregistrationv1.ValidatingWebhookConfiguration {
	GinkgoHelper()
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: certificate.Configuration}, configuration)).To(Succeed())
	return configuration
}

// expectTrusted has a client do what the API server does when it calls a webhook.
func expectTrusted(ctx context.Context, certificate *Certificate) {
	GinkgoHelper()
	served, err := certificate.Get(&tls.ClientHelloInfo{})
	Expect(err).NotTo(HaveOccurred())
	configurations, err := certificate.configurations(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(configurations).To(HaveLen(2))
	for _, configuration := range configurations {
		for _, at := range configuration.webhooks {
			_, err := served.Leaf.Verify(x509.VerifyOptions{
				DNSName: "127.0.0.1", Roots: pool(at.CABundle), CurrentTime: certificate.Clock.Now(),
			})
			Expect(err).NotTo(HaveOccurred(), configuration.name)
		}
	}
}

func pool(bundle []byte) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	return roots
}

func leafOf(certificate *Certificate) []byte {
	return certificate.served.Load().Certificate[0]
}
