package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func builtinResources() []storkv1alpha1.ApplicationResource {
	var resources []storkv1alpha1.ApplicationResource
	for _, registration := range Builtin() {
		resources = append(resources, registration.Resources...)
	}
	return resources
}

func TestLookup(t *testing.T) {
	resource := func(version, path string, change ...func(*storkv1alpha1.ApplicationResource)) storkv1alpha1.ApplicationResource {
		r := storkv1alpha1.ApplicationResource{Group: "example.com", Version: version, Kind: "Database"}
		r.SuspendOptions.Path = path
		for _, f := range change {
			f(&r)
		}
		return r
	}
	keepStatus := func(r *storkv1alpha1.ApplicationResource) { r.KeepStatus = true }
	stash := func(r *storkv1alpha1.ApplicationResource) { r.StashStrategy.StashCR = true }
	nested := func(r *storkv1alpha1.ApplicationResource) {
		r.NestedSuspendOptions = []storkv1alpha1.SuspendOptions{{Path: "spec.a"}}
	}
	for name, tc := range map[string]struct {
		registered []storkv1alpha1.ApplicationResource
		want       storkv1alpha1.ApplicationResource
		wantNone   bool
	}{
		"prefers the version": {
			registered: []storkv1alpha1.ApplicationResource{resource("v1", "spec.old"), resource("v2", "spec.new")}, want: resource("v2", "spec.new"),
		},
		"takes another version where there is none": {
			registered: []storkv1alpha1.ApplicationResource{resource("v1", "spec.old")}, want: resource("v1", "spec.old"),
		},
		"is not hidden by an earlier one without suspend options": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", ""), resource("v2", "spec.new")}, want: resource("v2", "spec.new"),
		},
		"is not hidden by a later one without suspend options": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", "spec.new"), resource("v2", "")}, want: resource("v2", "spec.new"),
		},
		"is not hidden by one of the right version without suspend options": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", ""), resource("v1", "spec.old")}, want: resource("v1", "spec.old"),
		},
		"counts custom suspend options": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", ""), resource("v2", "", nested)}, want: resource("v2", "", nested),
		},
		"takes the earlier of two": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", "spec.mine"), resource("v2", "spec.theirs")}, want: resource("v2", "spec.mine"),
		},
		"collects what says to keep and to stash": {
			registered: []storkv1alpha1.ApplicationResource{resource("v2", "spec.new"), resource("v2", "", keepStatus), resource("v1", "", stash)},
			want:       resource("v2", "spec.new", keepStatus, stash),
		},
		"does not take another group": {
			registered: []storkv1alpha1.ApplicationResource{{Group: "other.com", Version: "v2", Kind: "Database"}}, wantNone: true,
		},
		"finds nothing where nothing is registered": {wantNone: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := NewRegistrations(tc.registered).Lookup(schema.GroupVersionKind{Group: "example.com", Version: "v2", Kind: "Database"})
			if ok == tc.wantNone {
				t.Fatalf("found %v", ok)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}

func TestBuiltin(t *testing.T) {
	t.Run("is valid and names each object once", func(t *testing.T) {
		seen := map[string]bool{}
		for _, registration := range Builtin() {
			if seen[registration.Name] {
				t.Errorf("%s is there twice", registration.Name)
			}
			seen[registration.Name] = true
			for _, resource := range registration.Resources {
				if err := ValidateRegistration(resource); err != nil {
					t.Errorf("%s: %v", registration.Name, err)
				}
			}
		}
		if len(seen) != 12 || len(builtinResources()) != 25 {
			t.Errorf("want 12 objects with 25 kinds, got %d with %d", len(seen), len(builtinResources()))
		}
	})
	t.Run("belongs to the caller", func(t *testing.T) {
		Builtin()[0].Resources[0].Kind = "changed"
		if Builtin()[0].Resources[0].Kind == "changed" {
			t.Error("a change by one caller is seen by the next")
		}
	})
}

// TestBuiltinKindsAreSuspended names what the documents of Stork promise for each kind that needs no registration.
func TestBuiltinKindsAreSuspended(t *testing.T) {
	registrations := NewRegistrations(builtinResources())
	for kind, fields := range map[string]struct{ running, suspended string }{
		"ibp.com/v1alpha1, kind: IBPConsole":                        {"replicas: 3", "replicas: 0"},
		"couchbase.com/v2, kind: CouchbaseCluster":                  {"paused: false", "paused: true"},
		"cassandra.datastax.com/v1beta1, kind: CassandraDatacenter": {"stopped: false", "stopped: true"},
		"weblogic.oracle/v8, kind: Domain":                          {"serverStartPolicy: IF_NEEDED", "serverStartPolicy: NEVER"},
		"rabbitmq.com/v1beta1, kind: RabbitmqCluster":               {"replicas: 3", "replicas: 0"},
		"pxc.percona.com/v1, kind: PerconaXtraDBCluster":            {"pause: false", "pause: true"},
		"monitoring.coreos.com/v1, kind: Prometheus":                {"replicas: 2", "replicas: 0"},
		"kafka.strimzi.io/v1beta2, kind: Kafka":                     {"kafka: {replicas: 3}", "kafka: {replicas: 0}"},
		"acid.zalan.do/v1, kind: postgresql":                        {"numberOfInstances: 2", "numberOfInstances: 0"},
		"mongodbcommunity.mongodb.com/v1, kind: MongoDBCommunity":   {"members: 3", "members: 0"},
		"kubevirt.io/v1, kind: VirtualMachine":                      {"runStrategy: Always", "runStrategy: Halted"},
	} {
		t.Run(kind, func(t *testing.T) {
			obj := parse(t, "{apiVersion: "+kind+", metadata: {name: x}, spec: {"+fields.running+"}}")
			running := obj.DeepCopy()
			if changed, err := Suspend(obj, registrations); err != nil || !changed {
				t.Fatalf("Suspend: changed %v, error %v", changed, err)
			}
			if diff := cmp.Diff(parse(t, "{apiVersion: "+kind+", spec: {"+fields.suspended+"}}").Object["spec"], obj.Object["spec"]); diff != "" {
				t.Errorf("suspended (-want,+got):\n%s", diff)
			}
			if _, err := Resume(obj, registrations); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(running.Object, obj.Object); diff != "" {
				t.Errorf("resumed (-want,+got):\n%s", diff)
			}
		})
	}
}
