package inventory

import (
	"context"
	"net/http"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var shop = []Namespace{{Source: "shop", Destination: "shop"}}

func collector(w *wire) *Collector {
	return &Collector{Client: client(w), Source: served}
}

func collect(ctx context.Context, request Request) *Set {
	GinkgoHelper()
	set, err := collector(nil).Collect(ctx, request)
	Expect(err).NotTo(HaveOccurred())
	return set
}

var _ = Describe("Collect", func() {
	It("finds exactly what belongs to a namespace, whatever else the cluster holds", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop})
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
		Expect(skippedOf(set)).To(ConsistOf(expected("skipped")))
		for _, skipped := range set.Skipped {
			Expect(skipped.Reason).NotTo(BeEmpty())
		}
		Expect(set.Notices).To(ConsistOf(HavePrefix("API group metrics.example.com/v1 was left out: its server does not answer")))
	})

	It("lists each kind once and asks for no single object", func(ctx SpecContext) {
		w := &wire{}
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(w.requests).To(HaveLen(len(set.Kinds)))
		paths := w.paths()
		for _, kind := range set.Kinds {
			path := "/apis/" + kind.Resource.Group + "/" + kind.Resource.Version
			if kind.Resource.Group == "" {
				path = "/api/" + kind.Resource.Version
			}
			if kind.Namespaced {
				path += "/namespaces/shop"
			}
			Expect(paths).To(HaveKeyWithValue(path+"/"+kind.Resource.Resource, 1))
		}
	})

	It("finds the same in small pages", func(ctx SpecContext) {
		w := &wire{}
		c := collector(w)
		c.PageSize, c.Parallel = 2, 1
		set, err := c.Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
		Expect(w.paths()["/api/v1/namespaces/shop/configmaps"]).To(BeNumerically(">", 3))
		for _, request := range w.requests {
			Expect(request.URL.Query().Get("limit")).To(Equal("2"))
		}
	})

	It("hands out objects with their UID and where they go, without managedFields", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: []Namespace{{Source: "shop", Destination: "market"}}})
		for _, object := range set.Objects {
			Expect(object.UID).To(Equal(object.GetUID()))
			Expect(object.UID).NotTo(BeEmpty())
			Expect(object.GetManagedFields()).To(BeEmpty())
			Expect(object.Kind.Kind).To(Equal(object.GroupVersionKind()))
			Expect(object.Kind.Namespaced).To(Equal(object.GetNamespace() != ""))
			if object.Kind.Namespaced {
				Expect(object.DestinationNamespace).To(Equal("market"))
			} else {
				Expect(object.DestinationNamespace).To(BeEmpty())
			}
		}
	})

	It("keeps owner references, and knows which claims belong to whom", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop})
		at := slices.IndexFunc(set.Objects, func(o *Object) bool { return o.Kind.Kind.Kind == "Kafka" })
		owned := set.OwnedClaims()
		Expect(owned).To(HaveLen(1))
		Expect(owned[set.Objects[at].UID]).To(HaveKeyWithValue("data", HaveField("Name", "orders")))
	})

	It("finds what belongs to two namespaces, and cluster-scoped objects once", func(ctx SpecContext) {
		w := &wire{}
		set, err := collector(w).Collect(ctx, Request{Namespaces: append(shop, Namespace{Source: "elsewhere", Destination: "moved"}, shop[0])})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(append(expected("migrated"),
			"Namespace//elsewhere", "ConfigMap/elsewhere/settings",
			"ClusterRoleBinding.rbac.authorization.k8s.io//elsewhere", "ClusterRole.rbac.authorization.k8s.io//elsewhere",
			"MutatingWebhookConfiguration.admissionregistration.k8s.io//elsewhere")))
		Expect(w.paths()).To(HaveKeyWithValue("/api/v1/namespaces/elsewhere/configmaps", 1))
		Expect(w.paths()).To(HaveKeyWithValue("/api/v1/persistentvolumes", 1))
	})

	It("reads the whole cluster at once for most of its namespaces", func(ctx SpecContext) {
		w := &wire{}
		var all []Namespace
		for _, name := range []string{"shop", "elsewhere", "kube-public", "kube-node-lease"} {
			all = append(all, Namespace{Source: name, Destination: name})
		}
		set, err := collector(w).Collect(ctx, Request{Namespaces: all})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ContainElements(expected("migrated")))
		Expect(objectsOf(set)).To(ContainElement("ConfigMap/elsewhere/settings"))
		for _, object := range set.Objects {
			Expect(object.GetNamespace()).NotTo(BeElementOf("default", "kube-system"))
		}
		Expect(w.requests).To(HaveLen(len(set.Kinds)))
		Expect(w.paths()).To(HaveKeyWithValue("/api/v1/configmaps", 1))
	})

	It("finds volumes only", func(ctx SpecContext) {
		w := &wire{}
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop, VolumesOnly: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf("Namespace//shop", "PersistentVolumeClaim/shop/data", "PersistentVolume//shop-data",
			"StorageClass.storage.k8s.io//shop-slow"))
		Expect(skippedOf(set)).To(ConsistOf("PersistentVolumeClaim/shop/pending", "PersistentVolumeClaim/shop/dying"))
		Expect(w.requests).To(HaveLen(4))
	})

	It("selects by labels, with the namespace and the classes that are needed", func(ctx SpecContext) {
		w := &wire{}
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop, Selectors: map[string]string{"app": "web"},
			ExcludeSelectors: map[string]string{"tier": "none"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf("Namespace//shop", "Deployment.apps/shop/web", "ConfigMap/shop/settings", "Service/shop/web",
			"PriorityClass.scheduling.k8s.io//shop-web", "RuntimeClass.node.k8s.io//shop-sandbox"))
		for _, request := range w.requests {
			if strings.HasSuffix(request.URL.Path, "/configmaps") {
				Expect(request.URL.Query().Get("labelSelector")).To(Equal("app=web,tier!=none"))
			}
		}
	})

	It("takes a volume for its claim's labels", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, Selectors: map[string]string{"app": "db"}})
		Expect(objectsOf(set)).To(ConsistOf("Namespace//shop", "StatefulSet.apps/shop/db", "PersistentVolumeClaim/shop/data",
			"PersistentVolume//shop-data", "StorageClass.storage.k8s.io//shop-slow", "StorageClass.storage.k8s.io//shop-fast"))
		set = collect(ctx, Request{Namespaces: shop, ExcludeSelectors: map[string]string{"app": "db"}})
		Expect(objectsOf(set)).NotTo(ContainElement(HavePrefix("PersistentVolume")))
		Expect(objectsOf(set)).To(ContainElement("Deployment.apps/shop/web"))
	})

	It("selects cluster roles that an unlabelled binding binds", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, Selectors: map[string]string{"kubernetes.io/metadata.name": "nothing"}})
		Expect(objectsOf(set)).To(ConsistOf("Namespace//shop"))
		set = collect(ctx, Request{Namespaces: shop, ExcludeTypes: []string{"rolebindings", "clusterrolebindings"}})
		Expect(objectsOf(set)).To(ContainElements("ClusterRole.rbac.authorization.k8s.io//shop-shared", "ClusterRole.rbac.authorization.k8s.io//shop-bound"))
		Expect(objectsOf(set)).NotTo(ContainElement(ContainSubstring("Binding")))
	})

	It("leaves out excluded types, by whatever name", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, ExcludeTypes: []string{
			"deploy", "StatefulSets.apps", "kfk", "persistentvolumeclaim", "service.serving.example.com", "namespaces", "nonsense"}})
		names := objectsOf(set)
		for _, prefix := range []string{"Deployment", "StatefulSet", "Kafka", "PersistentVolumeClaim", "Service.serving", "Namespace",
			"ConfigMap/shop/kafka", "CustomResourceDefinition.apiextensions.k8s.io//kafkas"} {
			Expect(names).NotTo(ContainElement(HavePrefix(prefix)))
		}
		Expect(names).To(ContainElements("Service/shop/web", "PersistentVolume//shop-data"))
		Expect(skippedOf(set)).NotTo(ContainElement(HavePrefix("PersistentVolumeClaim")), "nobody asked for claims")
		Expect(set.Notices).To(ContainElement(`excluded type "nonsense" is no kind that the source serves`))
		for _, kind := range set.Kinds {
			Expect(kind.Kind.Kind).NotTo(BeElementOf("Deployment", "PersistentVolumeClaim"))
		}
	})

	It("adds optional types, but never what stays in a cluster", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, IncludeOptionalTypes: []string{"jobs", "BrokerClass", "pod", "VolumeSnapshot", "componentstatuses", "ConfigMap"}})
		Expect(objectsOf(set)).To(ConsistOf(append(expected("migrated"), "Job.batch/shop/once", "BrokerClass.streams.example.com//large")))
		Expect(set.Notices).To(ContainElements("optional type Pod is never migrated",
			"optional type VolumeSnapshot.snapshot.example.com is never migrated", "optional type ComponentStatus is never migrated"))
	})

	It("ignores owners on request, but for the ReplicaSets of Deployments", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, IgnoreOwnerReferences: true})
		Expect(objectsOf(set)).To(ConsistOf(append(expected("migrated"), "Deployment.apps/shop/orders-operator-made", "ConfigMap/shop/leader-election")))
	})

	It("includes network policies with addresses on request", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: shop, IncludeNetworkPolicyWithCIDR: true})
		Expect(objectsOf(set)).To(ConsistOf(append(expected("migrated"), "NetworkPolicy.networking.k8s.io/shop/addresses")))
	})

	It("finds nothing in a namespace that is being deleted", func(ctx SpecContext) {
		set := collect(ctx, Request{Namespaces: []Namespace{{Source: "going", Destination: "going"}}})
		Expect(set.Objects).To(BeEmpty())
	})

	It("needs no requests to find nothing", func(ctx SpecContext) {
		w := &wire{}
		set, err := collector(w).Collect(ctx, Request{})
		Expect(err).NotTo(HaveOccurred())
		Expect(set.Objects).To(BeEmpty())
		Expect(w.requests).To(BeEmpty())
	})

	DescribeTable("refuses", func(ctx SpecContext, c *Collector, request Request, message string) {
		_, err := c.Collect(ctx, request)
		Expect(err).To(MatchError(ContainSubstring(message)))
	},
		Entry("a namespace without a name", &Collector{}, Request{Namespaces: []Namespace{{Destination: "a"}}}, "has no name"),
		Entry("a namespace that goes nowhere", &Collector{}, Request{Namespaces: []Namespace{{Source: "a"}}}, "has no name"),
		Entry("a namespace that goes to two places", &Collector{},
			Request{Namespaces: []Namespace{{Source: "a", Destination: "b"}, {Source: "a", Destination: "c"}}}, "cannot become both b and c"),
		Entry("a label that is none", &Collector{}, Request{Namespaces: shop, Selectors: map[string]string{"app": "a b"}}, "selector app=a b is no label"),
		Entry("a source of which nothing is known", &Collector{}, Request{Namespaces: shop}, "not known what the source serves"),
	)
})

var _ = Describe("Collect with a destination that serves other versions", func() {
	It("reads what both understand and tells of what they do not", func(ctx SpecContext) {
		destination := Served{}
		for _, resource := range served.Resources {
			switch resource.String() {
			case "horizontalpodautoscalers.autoscaling":
				resource.Versions = []string{"v1"}
			case "kafkas.streams.example.com":
				resource.Versions = []string{"v1beta1"}
			case "poddisruptionbudgets.policy":
				resource.Versions = []string{"v2"}
			case "replicationcontrollers", "services.serving.example.com", "imagestreams.image.openshift.io", "jobs.batch":
				continue
			}
			destination.Resources = append(destination.Resources, resource)
		}
		c := collector(nil)
		c.Destination = destination
		set, err := c.Collect(ctx, Request{Namespaces: shop, IncludeOptionalTypes: []string{"controllerrevision"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
		Expect(set.Notices).To(ConsistOf(
			HavePrefix("API group metrics.example.com"),
			HavePrefix("HorizontalPodAutoscaler.autoscaling: read as v1 and not as v2"),
			HavePrefix("Kafka.streams.example.com: read as v1beta1 and not as v1"),
			HavePrefix("PodDisruptionBudget.policy: the source serves v1 and the destination only v2"),
			HavePrefix("ReplicationController: the destination does not serve"),
		))
		for _, object := range set.Objects {
			if object.Kind.Kind.Kind == "Kafka" {
				Expect(object.GetAPIVersion()).To(Equal("streams.example.com/v1beta1"))
				Expect(object.Kind.Resource.Version).To(Equal("v1beta1"))
			}
		}
	})

	It("says nothing of kinds of which there are no objects", func(ctx SpecContext) {
		c := collector(nil)
		c.Destination.Resources = []Resource{*find(served, namespaceKind)}
		set, err := c.Collect(ctx, Request{Namespaces: []Namespace{{Source: "red", Destination: "red"}}})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf("Namespace//red"))
		Expect(set.Notices).To(ConsistOf(HavePrefix("API group metrics.example.com")))
	})

	It("tells of custom resources that the destination does not know if their definition stays", func(ctx SpecContext) {
		c := collector(nil)
		for _, resource := range served.Resources {
			if resource.Group != "streams.example.com" {
				c.Destination.Resources = append(c.Destination.Resources, resource)
			}
		}
		set, err := c.Collect(ctx, Request{Namespaces: shop, ExcludeTypes: []string{"crd"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(set.Notices).To(ContainElement("Kafka.streams.example.com: the destination does not serve this kind"))
		Expect(objectsOf(set)).NotTo(ContainElement(HavePrefix("CustomResourceDefinition")))
	})
})

var _ = Describe("Collect from a source that fails", func() {
	// failing has the lists of a resource answered with an error, from the given page on.
	failing := func(resource string, status metav1.Status, times int, page func(*http.Request) bool) *wire {
		w := &wire{}
		w.answer = func(request *http.Request) *metav1.Status {
			if times == 0 || !strings.HasSuffix(request.URL.Path, "/"+resource) || !page(request) {
				return nil
			}
			times--
			return new(status)
		}
		return w
	}
	anyPage := func(*http.Request) bool { return true }
	laterPage := func(request *http.Request) bool { return request.URL.Query().Get("continue") != "" }
	expired := metav1.Status{Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old"}

	It("begins a list anew when its pages expire", func(ctx SpecContext) {
		w := failing("configmaps", expired, 2, laterPage)
		c := collector(w)
		c.PageSize = 2
		set, err := c.Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
	})

	It("reads a list in one piece that expires again and again", func(ctx SpecContext) {
		c := collector(failing("configmaps", expired, 100, laterPage))
		c.PageSize = 2
		set, err := c.Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
	})

	It("gives up on a list that expires even so", func(ctx SpecContext) {
		_, err := collector(failing("configmaps", expired, 100, anyPage)).Collect(ctx, Request{Namespaces: shop})
		Expect(err).To(MatchError(ContainSubstring("listing ConfigMap in namespace shop at the source: too old")))
	})

	It("reads a page again whose failure passes", func(ctx SpecContext) {
		w := failing("configmaps", metav1.Status{Code: http.StatusServiceUnavailable, Message: "starting"}, 3, anyPage)
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(expected("migrated")))
	})

	DescribeTable("leaves a kind out that", func(ctx SpecContext, code int, reason metav1.StatusReason) {
		w := failing("secrets", metav1.Status{Code: int32(code), Reason: reason, Message: "not this one"}, 100, anyPage)
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ConsistOf(slices.DeleteFunc(expected("migrated"), func(name string) bool { return strings.HasPrefix(name, "Secret/") })))
		Expect(set.Notices).To(ContainElement("Secret in namespace shop was left out: not this one"))
		for _, kind := range set.Kinds {
			Expect(kind.Kind.Kind).NotTo(Equal("Secret"), "purge would delete what it does not find")
		}
	},
		Entry("may not be read", http.StatusForbidden, metav1.StatusReasonForbidden),
		Entry("is gone", http.StatusNotFound, metav1.StatusReasonNotFound),
		Entry("is not to be listed", http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed),
	)

	It("finds no custom resources if definitions may not be read", func(ctx SpecContext) {
		w := failing("customresourcedefinitions", metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden}, 100, anyPage)
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).NotTo(ContainElement(HavePrefix("Kafka")))
		Expect(objectsOf(set)).To(ContainElement("Deployment.apps/shop/web"))
		Expect(set.Notices).To(ContainElement(HavePrefix("CustomResourceDefinition.apiextensions.k8s.io was left out")))
	})

	It("goes on without the namespaces themselves if they may not be read", func(ctx SpecContext) {
		w := failing("namespaces", metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden}, 100, anyPage)
		set, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).NotTo(HaveOccurred())
		Expect(objectsOf(set)).To(ContainElement("Deployment.apps/shop/web"))
		Expect(objectsOf(set)).NotTo(ContainElement(HavePrefix("Namespace")))
	})

	DescribeTable("fails and names", func(ctx SpecContext, resource, kind string) {
		w := failing(resource, metav1.Status{Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError, Message: "broken"}, 100, anyPage)
		_, err := collector(w).Collect(ctx, Request{Namespaces: shop})
		Expect(err).To(MatchError(SatisfyAll(ContainSubstring("listing "+kind), ContainSubstring("broken"))))
	},
		Entry("a kind", "secrets", "Secret in namespace shop"),
		Entry("a cluster-scoped kind", "clusterroles", "ClusterRole.rbac.authorization.k8s.io at the source"),
		Entry("the namespaces", "namespaces", "Namespace at the source"),
		Entry("the definitions", "customresourcedefinitions", "CustomResourceDefinition.apiextensions.k8s.io at the source"),
	)

	It("ends when its context does", func(ctx SpecContext) {
		canceled, cancel := context.WithCancel(ctx)
		w := &wire{}
		w.answer = func(request *http.Request) *metav1.Status {
			if strings.HasSuffix(request.URL.Path, "/secrets") {
				cancel()
			}
			return nil
		}
		_, err := collector(w).Collect(canceled, Request{Namespaces: shop})
		Expect(err).To(MatchError(context.Canceled))
	})
})
