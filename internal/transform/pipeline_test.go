package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func shopOptions() Options {
	return Options{Namespaces: map[string]string{"shop": "shop"}, Registrations: builtinRegistrations()}
}

const deploymentAtSource = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 6c7a
  resourceVersion: "12"
  generation: 3
  creationTimestamp: "2026-01-01T00:00:00Z"
  finalizers: [example.com/keep]
  ownerReferences: [{apiVersion: example.com/v1, kind: Shop, name: shop, uid: u}]
  managedFields: [{manager: kubectl}]
  labels: {app: web, tier: front, field.cattle.io/projectId: p-1}
  annotations:
    deployment.kubernetes.io/revision: "7"
    kubectl.kubernetes.io/last-applied-configuration: "{}"
spec: {replicas: 3, template: {spec: {containers: [{name: web, image: "web:1"}]}}}
status: {replicas: 3}`

func TestPipeline(t *testing.T) {
	transformations := map[string]*storkv1alpha1.ResourceTransformation{"shop": userChange("apps/v1/Deployment",
		map[string]string{"field.cattle.io/projectId": "p-1"}, path("spec.replicas", "add", "int", "2"))}
	for name, tc := range map[string]struct {
		options                           func(*Options)
		manifest, want, wantTransformedBy string
		wantChanges                       []string
	}{
		"brings a workload stopped, with the replicas remembered": {
			manifest: deploymentAtSource,
			want: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web, tier: front, stork.libopenstorage.org/migrated: "true"}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
    stork.libopenstorage.org/migrationReplicas: "3"
spec: {replicas: 0, template: {spec: {containers: [{name: web, image: "web:1"}]}}}`,
			wantChanges: []string{"Rancher", "Suspend"},
		},
		"brings a workload running where applications are started": {
			options:  func(o *Options) { o.StartApplications = true },
			manifest: deploymentAtSource,
			want: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web, tier: front}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec: {replicas: 3, template: {spec: {containers: [{name: web, image: "web:1"}]}}}`,
			wantChanges: []string{"Rancher"},
		},
		"selects by labels of the source and never starts a workload by a transformation": {
			options:  func(o *Options) { o.Transformations = transformations },
			manifest: deploymentAtSource,
			want: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web, tier: front, stork.libopenstorage.org/migrated: "true"}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
    stork.libopenstorage.org/migrationReplicas: "2"
    stork.libopenstorage.org/resourcetransformation-name: "true"
spec: {replicas: 0, template: {spec: {containers: [{name: web, image: "web:1"}]}}}`,
			wantChanges: []string{"Rancher", "Suspend"}, wantTransformedBy: "adapt",
		},
		"carries on what a failover has stopped already": {
			manifest: `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {stork.libopenstorage.org/migrated: "true"}, annotations: {stork.libopenstorage.org/migrationReplicas: "3"}}
spec: {replicas: 0}`,
			want: `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {stork.libopenstorage.org/migrated: "true"}, annotations: {stork.libopenstorage.org/migrationReplicas: "3"}}
spec: {replicas: 0}`,
			wantChanges: []string{"Suspend"},
		},
		"starts what an earlier migration stopped where applications are started": {
			options: func(o *Options) { o.StartApplications = true },
			manifest: `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {stork.libopenstorage.org/migrated: "true"}, annotations: {stork.libopenstorage.org/migrationReplicas: "3"}}
spec: {replicas: 0}`,
			want:        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {replicas: 3}}",
			wantChanges: []string{"Resume"},
		},
		"does not start a CronJob that somebody suspended": {
			options:  func(o *Options) { o.StartApplications = true },
			manifest: "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c, namespace: shop, annotations: {stork.libopenstorage.org/migrated: 'true'}}, spec: {suspend: true}}",
			want:     "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c, namespace: shop, annotations: {stork.libopenstorage.org/migrated: 'true'}}, spec: {suspend: true}}",
		},
		"keeps a virtual machine stopped that a failover stopped by running": {
			manifest: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, namespace: shop, annotations: {stork.libopenstorage.org/spec.running: "true,false"}}
spec: {running: false}`,
			want: `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm, namespace: shop, annotations: {stork.libopenstorage.org/spec.runStrategy: "Always,Halted"}}
spec: {runStrategy: Halted}`,
			wantChanges: []string{"VirtualMachine", "Suspend"},
		},
		"does not run a finished Job again": {
			options: func(o *Options) { o.StartApplications = true },
			manifest: `
apiVersion: batch/v1
kind: Job
metadata: {name: import, namespace: shop, labels: {controller-uid: u}}
spec:
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: u}}
  template: {metadata: {labels: {controller-uid: u, batch.kubernetes.io/controller-uid: u, job-name: import, app: x}}, spec: {}}
status: {conditions: [{type: Complete, status: "True"}]}`,
			want: `
apiVersion: batch/v1
kind: Job
metadata: {name: import, namespace: shop}
spec: {suspend: true, template: {metadata: {labels: {app: x}}, spec: {}}}`,
			wantChanges: []string{"Job"},
		},
		"leaves a plain object as it is": {
			manifest: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: b}}",
			want:     "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: b}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := shopOptions()
			if tc.options != nil {
				tc.options(&options)
			}
			result, err := NewPipeline(options).Run(objecttest.Parse(t, tc.manifest))
			if err != nil {
				t.Fatal(err)
			}
			want := Result{Object: objecttest.Parse(t, tc.want), Changes: tc.wantChanges, TransformedBy: tc.wantTransformedBy}
			if diff := cmp.Diff(want, result); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}

func TestPipelineNamesTheTransformerThatFails(t *testing.T) {
	options := shopOptions()
	options.Transformations = map[string]*storkv1alpha1.ResourceTransformation{
		"shop": userChange("/v1/ConfigMap", nil, path("data.a.b", "add", "string", "x")), "other": nil,
	}
	_, err := NewPipeline(options).Run(objecttest.Parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: b}}"))
	wantError(t, err, `ResourceTransformation: adapt: transformation of /v1/ConfigMap: path "data.a.b", operation add: data.a: must be an object here, got a string`)

	_, err = NewPipeline(shopOptions()).Run(objecttest.Parse(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: x}}"))
	wantError(t, err, "Suspend: Deployment web: spec.replicas must be a whole number")
}

func TestPipelineIsSilentOnSecrets(t *testing.T) {
	options := shopOptions()
	options.Transformations = map[string]*storkv1alpha1.ResourceTransformation{"shop": userChange("/v1/Secret", nil,
		path("", "jsonpatch", "", `[{"op":"test","path":"/data/password","value":"x"}]`))}
	_, err := NewPipeline(options).Run(objecttest.Parse(t, "{apiVersion: v1, kind: Secret, metadata: {name: c, namespace: shop}, data: {password: c2VjcmV0}}"))
	if err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("want an error that does not tell the password, got %v", err)
	}
}
