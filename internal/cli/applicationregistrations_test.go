package cli

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("get applicationregistrations", func() {
	register := func(ctx context.Context, name string, resources ...storkv1alpha1.ApplicationResource) {
		GinkgoHelper()
		r := &storkv1alpha1.ApplicationRegistration{Resources: resources}
		r.Name = name
		create(ctx, hereClient, r)
		DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, r)).To(Succeed()) })
	}

	It("prints a row for each kind, of all that are named or of all", func(ctx SpecContext) {
		Expect(storkctl(ctx, "get", "appreg")).To(Equal(succeeds("No resources found.\n")))
		register(ctx, "cassandra", storkv1alpha1.ApplicationResource{
			Group: "cassandra.datastax.com", Version: "v1beta1", Kind: "CassandraDatacenter", SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.stopped", Type: "bool"}})
		register(ctx, "redis", storkv1alpha1.ApplicationResource{Group: "app.redislabs.com", Version: "v1", Kind: "RedisEnterpriseCluster", KeepStatus: true})
		register(ctx, "weblogic",
			storkv1alpha1.ApplicationResource{Group: "weblogic.oracle", Version: "v8", Kind: "Domain", SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.serverStartPolicy", Type: "string", Value: "NEVER"}},
			storkv1alpha1.ApplicationResource{Group: "weblogic.oracle", Version: "v1", Kind: "Cluster"})

		Expect(storkctl(ctx, "get", "applicationregistrations", "cassandra")).To(Equal(succeeds(lines(
			"NAME        KIND                  CRD-NAME                 VERSION   SUSPEND-OPTIONS     KEEP-STATUS",
			"cassandra   CassandraDatacenter   cassandra.datastax.com   v1beta1   spec.stopped,bool   false"))))
		Expect(storkctl(ctx, "get", "appregs", "redis", "cassandra")).To(Equal(succeeds(lines(
			"NAME        KIND                     CRD-NAME                 VERSION   SUSPEND-OPTIONS     KEEP-STATUS",
			"redis       RedisEnterpriseCluster   app.redislabs.com        v1                            true",
			"cassandra   CassandraDatacenter      cassandra.datastax.com   v1beta1   spec.stopped,bool   false"))))
		all := lines(
			"NAME        KIND                     CRD-NAME                 VERSION   SUSPEND-OPTIONS                       KEEP-STATUS",
			"cassandra   CassandraDatacenter      cassandra.datastax.com   v1beta1   spec.stopped,bool                     false",
			"redis       RedisEnterpriseCluster   app.redislabs.com        v1                                              true",
			"weblogic    Domain                   weblogic.oracle          v8        spec.serverStartPolicy,string,NEVER   false",
			"weblogic    Cluster                  weblogic.oracle          v1                                              false")
		Expect(storkctl(ctx, "get", "applicationregistration")).To(Equal(succeeds(all)))
		Expect(storkctl(ctx, "get", "appreg", "-A")).To(Equal(succeeds(all)), "they are in no namespace")
		Expect(storkctl(ctx, "get", "appreg", "no")).To(Equal(fails(
			`Error from server (NotFound): applicationregistrations.stork.libopenstorage.org "no" not found`)))
	})
})
