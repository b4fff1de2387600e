package workload

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// builtin is one row of the table of kinds that are known without being registered.
type builtin struct {
	object, group, version, kind string
	path                         string
	valueType                    storkv1alpha1.SuspendValueType
	value                        string
	podsPath                     string
}

// builtins are the registrations that Stork installs, by the name of the object.
func builtins() []builtin {
	const (
		boolean = storkv1alpha1.SuspendValueBool
		integer = storkv1alpha1.SuspendValueInt
		text    = storkv1alpha1.SuspendValueString
	)
	return []builtin{
		{"ibm", "ibp.com", "v1alpha1", "IBPCA", "spec.replicas", integer, "", ""},
		{"ibm", "ibp.com", "v1alpha1", "IBPConsole", "spec.replicas", integer, "", ""},
		{"ibm", "ibp.com", "v1alpha1", "IBPOrderer", "spec.replicas", integer, "", ""},
		{"ibm", "ibp.com", "v1alpha1", "IBPPeer", "spec.replicas", integer, "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseBucket", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseCluster", "spec.paused", boolean, "", "status.members.ready"},
		{"couchbase", "couchbase.com", "v2", "CouchbaseEphemeralBucket", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseMemcachedBucket", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseReplication", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseUser", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseGroup", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseRoleBinding", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseBackup", "", "", "", ""},
		{"couchbase", "couchbase.com", "v2", "CouchbaseBackupRestore", "", "", "", ""},
		{"cassandra", "cassandra.datastax.com", "v1beta1", "CassandraDatacenter", "spec.stopped", boolean, "", ""},
		{"redis", "app.redislabs.com", "v1", "RedisEnterpriseCluster", "", "", "", ""},
		{"redis", "app.redislabs.com", "v1", "RedisEnterpriseDatabase", "", "", "", ""},
		{"weblogic", "weblogic.oracle", "v8", "Domain", "spec.serverStartPolicy", text, "NEVER", ""},
		{"rabbitmq", "rabbitmq.com", "v1beta1", "RabbitmqCluster", "spec.replicas", integer, "", ""},
		{"perconadb", "pxc.percona.com", "v1", "PerconaXtraDBCluster", "spec.pause", boolean, "", ""},
		{"prometheus", "monitoring.coreos.com", "v1", "Prometheus", "spec.replicas", integer, "", ""},
		{"kafka", "kafka.strimzi.io", "v1beta2", "Kafka", "spec.kafka.replicas", integer, "", ""},
		{"postgress", "acid.zalan.do", "v1", "postgresql", "spec.numberOfInstances", integer, "", ""},
		{"mongodbcommunity", "mongodbcommunity.mongodb.com", "v1", "MongoDBCommunity", "spec.members", integer, "", ""},
		{"virtualmachine", "kubevirt.io", "v1", "VirtualMachine", "spec.runStrategy", text, "Halted", ""},
	}
}

// Builtin returns the ApplicationRegistrations that Stork installs, to be installed where they are missing and to be given to
// NewRegistrations after those of users. The caller owns what is returned.
func Builtin() []*storkv1alpha1.ApplicationRegistration {
	var registrations []*storkv1alpha1.ApplicationRegistration
	for _, b := range builtins() {
		last := len(registrations) - 1
		if last < 0 || registrations[last].Name != b.object {
			registrations = append(registrations, &storkv1alpha1.ApplicationRegistration{ObjectMeta: metav1.ObjectMeta{Name: b.object}})
			last++
		}
		registrations[last].Resources = append(registrations[last].Resources, b.resource())
	}
	return registrations
}

func (b builtin) resource() storkv1alpha1.ApplicationResource {
	return storkv1alpha1.ApplicationResource{
		Group: b.group, Version: b.version, Kind: b.kind, PodsPath: b.podsPath,
		SuspendOptions: storkv1alpha1.SuspendOptions{Path: b.path, Type: b.valueType, Value: b.value},
	}
}
