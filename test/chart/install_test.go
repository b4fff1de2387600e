package chart_test

import (
	"context"
	"os"
	"reflect"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

var _ = Describe("An installed release", Ordered, func() {
	var (
		installed     []*unstructured.Unstructured
		first, second *operator
	)

	BeforeAll(func(ctx SpecContext) {
		// What a failover stops and starts is not for this suite: that role would hide what all others are for.
		installed = install(ctx, source, "--set", "rbac.failover=false")
		first = startOperator(ctx, "first")
		Eventually(leader).WithContext(ctx).ShouldNot(BeEmpty())
		breakCertificate(ctx)
		second = startOperator(ctx, "second")
		Eventually(func() error { // The controller manager makes the ServiceAccount of the namespace.
			_, err := kubectl(ctx, source, nil, "apply", "--server-side", "-f", "testdata/shop.yaml")
			return err
		}).Should(Succeed())
	})

	It("has all that was rendered", func(ctx SpecContext) {
		for _, object := range installed {
			Expect(here.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		}
	})

	It("has a second operator wait for the first", func(ctx SpecContext) {
		Consistently(leader).WithContext(ctx).WithTimeout(leaseRetry).Should(Equal(leader(ctx)))
		Expect(second.log()).NotTo(ContainSubstring("Starting workers"))
	})

	itServes(func() *operator { return first })
	itServesUsers()

	It("is upgraded in place, and its CRDs with it", func(ctx SpecContext) {
		before := uids(ctx, installed)
		objects := customObjects(ctx)
		_, err := helm(ctx, source, "upgrade", release, newerChart(), "--namespace", namespace, "--set", "replicas=5")
		Expect(err).NotTo(HaveOccurred())
		Expect(uids(ctx, installed)).To(Equal(before))
		Expect(customObjects(ctx)).To(Equal(objects))
		deployment := &appsv1.Deployment{}
		Expect(here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, deployment)).To(Succeed())
		Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(5)))
		columns, err := kubectl(ctx, source, nil, "get", "crd", "migrations.stork.libopenstorage.org", "-o",
			"jsonpath={.spec.versions[0].additionalPrinterColumns[0].name}")
		Expect(err).NotTo(HaveOccurred())
		Expect(columns).To(Equal(newColumn))
	})

	It("is led by the second operator when the first has stopped", func(ctx SpecContext) {
		led := leader(ctx)
		Expect(first.Stop()).To(Succeed())
		Eventually(leader).WithContext(ctx).ShouldNot(BeElementOf("", led))
		Eventually(second.log).Should(ContainSubstring("Starting workers"))
	})

	itLetsGo()

	It("is refused nothing, and has no right that it does not need", func() {
		requests, refused := requested()
		Expect(refused).To(BeEmpty())
		unallowed, unneeded := judge(requests, grantsOf(installed))
		Expect(unallowed).To(BeEmpty())
		Expect(unneeded).To(BeEmpty())
		for _, operator := range []*operator{first, second} {
			Expect(strings.ToLower(operator.log())).NotTo(ContainSubstring("forbidden"))
		}
	})

	itNeedsEachRight(func() []*unstructured.Unstructured { return installed })

	itTellsWhatIsForbidden()

	It("leaves its CRDs and their objects behind when it is removed", func(ctx SpecContext) {
		Expect(second.Stop()).To(Succeed())
		before := customObjects(ctx)
		_, err := helm(ctx, source, "uninstall", release, "--namespace", namespace)
		Expect(err).NotTo(HaveOccurred())
		for _, object := range installed {
			get := func() error { return here.Get(ctx, client.ObjectKeyFromObject(object), object) }
			if object.GetKind() == "CustomResourceDefinition" {
				Expect(get()).To(Succeed())
				continue
			}
			Eventually(get).Should(Satisfy(apierrors.IsNotFound), object.GetKind()+" "+object.GetName())
		}
		Expect(customObjects(ctx)).To(Equal(before))
	})

	It("comes back to what it left behind", func(ctx SpecContext) {
		before := customObjects(ctx)
		install(ctx, source)
		Expect(customObjects(ctx)).To(Equal(before))
	})
})

// install installs the release and returns its objects as they were rendered.
func install(ctx context.Context, cluster *localcluster.Cluster, args ...string) []*unstructured.Unstructured {
	GinkgoHelper()
	_, err := helm(ctx, cluster, append([]string{"install", release, chart, "--namespace", namespace}, args...)...)
	Expect(err).NotTo(HaveOccurred())
	manifest, err := helm(ctx, cluster, "get", "manifest", release, "--namespace", namespace)
	Expect(err).NotTo(HaveOccurred())
	return objectsOf(manifest)
}

// breakCertificate has the next operator make a new one for its webhooks.
func breakCertificate(ctx context.Context) {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "godwit-webhook"}, secret)).To(Succeed())
	secret.Data[corev1.TLSPrivateKeyKey] = []byte("broken")
	Expect(here.Update(ctx, secret)).To(Succeed())
}

// newColumn is what the newer chart has.
const newColumn = "NewColumn"

// newerChart is the chart with a later version and a change of a CRD.
func newerChart() string {
	GinkgoHelper()
	newer := workspace + "/newer"
	Expect(os.CopyFS(newer, os.DirFS(chart))).To(Succeed())
	replace(newer+"/Chart.yaml", "\nversion: ", "\nversion: 9")
	replace(newer+"/files/crds/stork.libopenstorage.org_migrations.yaml", "additionalPrinterColumns:\n",
		"additionalPrinterColumns:\n    - {name: "+newColumn+", type: string, jsonPath: .status.stage}\n")
	return newer
}

func replace(file, old, replacement string) {
	GinkgoHelper()
	content, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(content)).To(ContainSubstring(old))
	Expect(os.WriteFile(file, []byte(strings.Replace(string(content), old, replacement, 1)), 0o600)).To(Succeed())
}

// leader returns who holds the lease; empty if nobody does.
func leader(ctx context.Context) string {
	lease := &coordinationv1.Lease{}
	err := here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "godwit.stork.libopenstorage.org"}, lease)
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// uids tells whether objects are still the same.
func uids(ctx context.Context, objects []*unstructured.Unstructured) map[string]types.UID {
	GinkgoHelper()
	found := map[string]types.UID{}
	for _, object := range objects {
		live := object.DeepCopy()
		Expect(here.Get(ctx, client.ObjectKeyFromObject(object), live)).To(Succeed())
		found[object.GetKind()+" "+object.GetName()] = live.GetUID()
	}
	return found
}

// customObjects returns the objects of the kinds that hold something by now, by kind and name.
func customObjects(ctx context.Context) map[string]types.UID {
	GinkgoHelper()
	found := map[string]types.UID{}
	for _, list := range []client.ObjectList{
		&storkv1alpha1.ClusterPairList{}, &storkv1alpha1.MigrationList{}, &storkv1alpha1.ResourceTransformationList{},
		&storkv1alpha1.RuleList{}, &storkv1alpha1.ApplicationRegistrationList{},
	} {
		Expect(here.List(ctx, list)).To(Succeed())
		items, err := apimeta.ExtractList(list)
		Expect(err).NotTo(HaveOccurred())
		Expect(items).NotTo(BeEmpty())
		for _, item := range items {
			object := item.(client.Object)
			found[reflect.TypeOf(object).String()+" "+client.ObjectKeyFromObject(object).String()] = object.GetUID()
		}
	}
	return found
}

// bindClusterAdmin lets a user of the destination do everything.
func bindClusterAdmin(ctx context.Context, user string) {
	GinkgoHelper()
	Expect(there.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	})).To(Succeed())
}
