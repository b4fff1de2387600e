package workload

import "testing"

func TestReplicas(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"are remembered and restored": {
			before: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {note: x}}
spec: {replicas: 3}`,
			suspended: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, stork.libopenstorage.org/migrated: "true"}
  annotations: {note: x, stork.libopenstorage.org/migrationReplicas: "3"}
spec: {replicas: 0}`,
		},
		"are 1 where they are missing": {
			before: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db}}",
			suspended: `
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "1"}
spec: {serviceName: db, replicas: 0}`,
			resumed: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 1}}",
		},
		"stay at zero where that was on purpose": {
			before: "{apiVersion: v1, kind: ReplicationController, metadata: {name: rc}, spec: {replicas: 0}}",
			suspended: `
apiVersion: v1
kind: ReplicationController
metadata:
  name: rc
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "0"}
spec: {replicas: 0}`,
		},
		"are carried on from an earlier suspension": {
			before: `
apiVersion: apps.openshift.io/v1
kind: DeploymentConfig
metadata:
  name: web
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "5"}
spec: {replicas: 0}`,
			resumed: "{apiVersion: apps.openshift.io/v1, kind: DeploymentConfig, metadata: {name: web}, spec: {replicas: 5}}",
		},
		"replace what Stork left behind on something that runs": {
			before: `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {stork.libopenstorage.org/migrationReplicas: "3"}}
spec: {replicas: 7}`,
			suspended: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "7"}
spec: {replicas: 0}`,
			resumed: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 7}}",
		},
		"of a ReplicaSet that a Deployment controls are the Deployment's business": {
			before: `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 3}`,
		},
		"of a ReplicaSet without a controller are remembered": {
			before: "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}, spec: {replicas: 2}}",
			suspended: `
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "2"}
spec: {replicas: 0}`,
		},
		"of an IBP kind are remembered once though it is registered": {
			before: "{apiVersion: ibp.com/v1alpha1, kind: IBPPeer, metadata: {name: peer}, spec: {replicas: 2}}",
			suspended: `
apiVersion: ibp.com/v1alpha1
kind: IBPPeer
metadata:
  name: peer
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "2"}
spec: {replicas: 0}`,
			registrations: builtinResources(),
		},
		"of an IBP kind that Stork remembered twice are the first": {
			before: `
apiVersion: ibp.com/v1alpha1
kind: IBPOrderer
metadata:
  name: orderer
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "3", stork.libopenstorage.org/spec.replicas: "0,"}
spec: {replicas: 0}`,
			resumed:       "{apiVersion: ibp.com/v1alpha1, kind: IBPOrderer, metadata: {name: orderer}, spec: {replicas: 3}}",
			registrations: builtinResources(),
		},
	} {
		t.Run(name, tc.run)
	}
	t.Run("that somebody scaled up since are left as they are", func(t *testing.T) {
		obj := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata:
  labels: {stork.libopenstorage.org/migrated: "true"}
  annotations: {stork.libopenstorage.org/migrationReplicas: "3"}
spec: {replicas: 5}`)
		expect(t, "Resume", Resume, obj, Registrations{}, "{apiVersion: apps/v1, kind: Deployment, metadata: {}, spec: {replicas: 5}}")
	})
	t.Run("that cannot be read give an error", func(t *testing.T) {
		for _, memo := range []string{"", "three", "-1", "3,0", "99999999999"} {
			expectError(t, Resume, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {stork.libopenstorage.org/migrationReplicas: "`+
				memo+`"}}, spec: {replicas: 0}}`, nil, "Deployment web: annotation stork.libopenstorage.org/migrationReplicas must be a whole number")
		}
		expectError(t, Suspend, "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: many}}", nil, "spec.replicas must be a whole number that is not negative, got many")
		expectError(t, Suspend, "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: -1}}", nil, "spec.replicas must be")
		expectError(t, Suspend, "{apiVersion: apps/v1, kind: Deployment, spec: 3}", nil, "spec is a whole number, not an object")
	})
}
