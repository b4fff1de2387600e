package chart_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

const (
	// leaseRetry is longer than the time after which an operator that waits asks for the lease again.
	leaseRetry = 3 * time.Second
	// shop is the namespace of the application.
	shop = "shop"
	// items is how many ConfigMaps the application has: the results of so many objects do not fit into a status.
	items = 400
)

// itServes lets an operator do all that it is there for.
func itServes(leading func() *operator) {
	It("finds what Stork's users expect", func(ctx SpecContext) {
		Eventually(func(g Gomega) {
			registrations := &storkv1alpha1.ApplicationRegistrationList{}
			g.Expect(here.List(ctx, registrations)).To(Succeed())
			g.Expect(registrations.Items).NotTo(BeEmpty())
			published := &corev1.ConfigMap{}
			g.Expect(here.Get(ctx, client.ObjectKey{Namespace: "kube-system", Name: "stork-controller-config"}, published)).To(Succeed())
			g.Expect(published.Data).To(Equal(map[string]string{"admin-ns": "kube-system", "stork-deploy-ns": namespace}))
		}).Should(Succeed())
	})

	It("pairs with another cluster", func(ctx SpecContext) {
		bindClusterAdmin(ctx, "godwit")
		kubeconfig, err := destination.UserKubeconfig("godwit")
		Expect(err).NotTo(HaveOccurred())
		Expect(localgodwit.Pair(ctx, here, shop, "inline", kubeconfig, nil)).To(Succeed())
		Expect(localgodwit.Pair(ctx, here, "kube-system", "admin", kubeconfig, nil)).To(Succeed())

		Eventually(pairState).WithContext(ctx).Should(Equal(storkv1alpha1.ClusterPairStatusPending))
		Expect(here.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "elsewhere"}, Data: map[string][]byte{"kubeconfig": kubeconfig},
		})).To(Succeed())
		Eventually(pairState).WithContext(ctx).Should(Equal(storkv1alpha1.ClusterPairStatusReady))
	})

	It("tries a ResourceTransformation, each time it is changed", func(ctx SpecContext) {
		transformation := &storkv1alpha1.ResourceTransformation{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "for-elsewhere"}}
		Eventually(judgement).WithContext(ctx).WithArguments(transformation).Should(Equal(storkv1alpha1.ResourceTransformationStatusReady))
		Expect(transformAnew(ctx, "high").Status.Status).To(Equal(storkv1alpha1.ResourceTransformationStatusReady))
	})

	It("runs commands in pods", runCommand)

	It("migrates, with a report of many objects", func(ctx SpecContext) {
		for i := range items {
			Expect(here.Create(ctx, item(i))).To(Succeed())
		}
		migration := migrate(ctx, "first", func(spec *storkv1alpha1.MigrationSpec) { spec.TransformSpecs = []string{"for-elsewhere"} })
		Expect(migration.Status.Report).NotTo(BeNil())
		Expect(migration.Status.Report.ConfigMaps).NotTo(BeEmpty())
		for _, name := range migration.Status.Report.ConfigMaps {
			Expect(here.Get(ctx, client.ObjectKey{Namespace: shop, Name: name}, &corev1.ConfigMap{})).To(Succeed())
		}
		web := &appsv1.Deployment{}
		Expect(there.Get(ctx, client.ObjectKey{Namespace: shop, Name: "web"}, web)).To(Succeed())
		Expect(web.Spec.Template.Spec.PriorityClassName).To(Equal("high"))
	})

	It("ends a failover that is wrong", func(ctx SpecContext) {
		action := &storkv1alpha1.Action{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "wrong"}, Spec: storkv1alpha1.ActionSpec{
			ActionType:      storkv1alpha1.ActionTypeFailover,
			ActionParameter: storkv1alpha1.ActionParameter{FailoverParameter: storkv1alpha1.FailoverParameter{MigrationScheduleReference: "nothing"}},
		}}
		Expect(here.Create(ctx, action)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(action), action)).To(Succeed())
			g.Expect(action.Status.Reason).To(ContainSubstring("unable to find the reference MigrationSchedule nothing"))
		}).WithContext(ctx).Should(Succeed())
	})

	It("purges what is gone", func(ctx SpecContext) {
		gone := item(7)
		Expect(here.Delete(ctx, gone)).To(Succeed())
		migration := migrate(ctx, "second", func(spec *storkv1alpha1.MigrationSpec) {
			spec.TransformSpecs, spec.PurgeDeletedResources = []string{"for-elsewhere"}, new(true)
		})
		Expect(migration.Status.Summary.ResourcesPurged).To(BeEquivalentTo(1))
		Expect(there.Get(ctx, client.ObjectKeyFromObject(gone), gone)).To(Satisfy(apierrors.IsNotFound))
	})

	itSchedules()

	It("tells of it by events", func(ctx SpecContext) {
		for _, kind := range []string{"ClusterPair", "Migration", "MigrationSchedule", "ResourceTransformation"} {
			Eventually(events).WithContext(ctx).WithArguments(shop, kind).ShouldNot(BeEmpty(), kind)
		}
	})

	It("migrates any namespace from the admin namespace, and tells of several that are missing in one event", func(ctx SpecContext) {
		migration := &storkv1alpha1.Migration{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "third"},
			Spec:       storkv1alpha1.MigrationSpec{AdminClusterPair: "admin", Namespaces: []string{shop, "gone", "never-there"}},
		}
		Expect(here.Create(ctx, migration)).To(Succeed())
		expectSuccess(ctx, migration)
		inSeries := func(event eventsv1.Event) bool { return event.Series != nil }
		Eventually(events).WithContext(ctx).WithArguments("kube-system", "Migration").Should(ContainElement(Satisfy(inSeries)))
	})

	It("shows metrics to those who may read them", func(ctx SpecContext) {
		status, _ := metrics(ctx, leading(), "")
		Expect(status).To(Equal(http.StatusUnauthorized))
		status, _ = metrics(ctx, leading(), "no-token")
		Expect(status).NotTo(Equal(http.StatusOK))
		for _, name := range []string{"nobody", "prometheus"} {
			Expect(here.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name}})).To(Succeed())
		}
		Expect(here.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "prometheus"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: release + "-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: shop, Name: "prometheus"}},
		})).To(Succeed())
		status, _ = metrics(ctx, leading(), token(ctx, shop, "nobody"))
		Expect(status).To(Equal(http.StatusForbidden))
		status, content := metrics(ctx, leading(), token(ctx, shop, "prometheus"))
		Expect(status).To(Equal(http.StatusOK))
		Expect(content).To(ContainSubstring("godwit_"))
	})
}

// itLetsGo deletes what holds the operator's finalizers.
func itLetsGo() {
	It("lets a ClusterPair go, and what was made along with it", func(ctx SpecContext) {
		for _, object := range []client.Object{
			&storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Name: "by-secret"}},
			&storkv1alpha1.BackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "store"}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "store"}},
		} {
			object.SetNamespace(shop)
			if _, isPair := object.(*storkv1alpha1.ClusterPair); isPair {
				Expect(here.Delete(ctx, object)).To(Succeed())
			}
			Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(object), object) }).
				Should(Satisfy(apierrors.IsNotFound), "%T", object)
		}
	})

	It("lets a Migration go", func(ctx SpecContext) {
		migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "first"}}
		Expect(here.Delete(ctx, migration)).To(Succeed())
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(migration), migration) }).
			Should(Satisfy(apierrors.IsNotFound))
	})
}

func pairState(ctx context.Context) (storkv1alpha1.ClusterPairStatusType, error) {
	pair := &storkv1alpha1.ClusterPair{}
	err := here.Get(ctx, client.ObjectKey{Namespace: shop, Name: "by-secret"}, pair)
	return pair.Status.SchedulerStatus, err
}

// judgement is what the operator thinks of the present specs; empty until it knows.
func judgement(ctx context.Context, t *storkv1alpha1.ResourceTransformation) (storkv1alpha1.ResourceTransformationStatusType, error) {
	err := here.Get(ctx, client.ObjectKeyFromObject(t), t)
	if t.Status.ObservedGeneration != t.Generation {
		return "", err
	}
	return t.Status.Status, err
}

// transformAnew changes the transformation of the shop and returns it as it was judged then.
func transformAnew(ctx context.Context, priorityClass string) *storkv1alpha1.ResourceTransformation {
	GinkgoHelper()
	transformation := &storkv1alpha1.ResourceTransformation{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: shop, Name: "for-elsewhere"}, transformation)).To(Succeed())
	before := transformation.DeepCopy()
	transformation.Spec.Objects[0].Paths[0].Value = priorityClass
	Expect(here.Patch(ctx, transformation, client.MergeFrom(before))).To(Succeed())
	Eventually(judgement).WithContext(ctx).WithArguments(transformation).
		Should(BeElementOf(storkv1alpha1.ResourceTransformationStatusReady, storkv1alpha1.ResourceTransformationStatusFailed))
	return transformation
}

func item(i int) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: fmt.Sprintf("item-%d", i)}, Data: map[string]string{"price": "1"},
	}
}

// startMigration creates a Migration of the shop.
func startMigration(ctx context.Context, name string, change func(*storkv1alpha1.MigrationSpec)) *storkv1alpha1.Migration {
	GinkgoHelper()
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name},
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "inline", Namespaces: []string{shop}},
	}
	change(&migration.Spec)
	Expect(here.Create(ctx, migration)).To(Succeed())
	return migration
}

// migrate returns a Migration of the shop that was successful.
func migrate(ctx context.Context, name string, change func(*storkv1alpha1.MigrationSpec)) *storkv1alpha1.Migration {
	GinkgoHelper()
	migration := startMigration(ctx, name, change)
	expectSuccess(ctx, migration)
	return migration
}

func expectSuccess(ctx context.Context, migration *storkv1alpha1.Migration) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
	}).Should(Succeed())
	Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), fmt.Sprint(migration.Status.Conditions))
}

// runCommand has a Rule run a command in a pod that is on no node: that the operator is told so shows that it may.
func runCommand(ctx SpecContext) {
	pod := &corev1.Pod{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: shop, Name: "database"}, pod)).To(Succeed())
	before := pod.DeepCopy()
	pod.Status.Phase = corev1.PodRunning
	Expect(here.Status().Patch(ctx, pod, client.MergeFrom(before))).To(Succeed())
	migration := startMigration(ctx, "with-rule", func(spec *storkv1alpha1.MigrationSpec) { spec.PreExecRule = "flush" })
	Eventually(func() bool {
		requests, _ := requested()
		return slices.ContainsFunc(requests, func(r request) bool { return r.resource == "pods/exec" })
	}).Should(BeTrue())
	Expect(here.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
	expectSuccess(ctx, migration)
}

// events returns what the operator recorded about objects of a kind in a namespace.
func events(ctx context.Context, namespace, kind string) ([]eventsv1.Event, error) {
	list := &eventsv1.EventList{}
	err := here.List(ctx, list, client.InNamespace(namespace))
	return slices.DeleteFunc(list.Items, func(event eventsv1.Event) bool {
		return event.Regarding.Kind != kind || event.ReportingController != release
	}), err
}

// metrics asks for metrics as somebody.
func metrics(ctx context.Context, operator *operator, token string) (status int, content string) {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, operator.MetricsURL, nil)
	Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close() //nolint:errcheck // It was read.
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, strings.TrimSpace(string(body))
}
