package inventory

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

func TestOwners(t *testing.T) {
	const (
		replicaSet = "apps/v1, kind: ReplicaSet"
		deployment = "{apiVersion: apps/v1, kind: Deployment, name: d, uid: selected}"
		custom     = "{apiVersion: example.com/v1, kind: Thing, name: t, uid: selected}"
		stranger   = "{apiVersion: example.com/v1, kind: Thing, name: t, uid: stranger}"
		pod        = "{apiVersion: v1, kind: Pod, name: p, uid: stranger}"
		migration  = "{apiVersion: stork.libopenstorage.org/v1alpha1, kind: Migration, name: m, uid: stranger}"
		gone       = "{apiVersion: apps/v1, kind: Deployment, name: d, uid: gone}"
		goneThing  = "{apiVersion: example.com/v1, kind: Known, name: t, uid: gone}"
		exempt     = `stork.libopenstorage.org/skip-owner-ref-check: "true"`
	)
	for name, test := range map[string]struct {
		kind, owners, annotations string
		ignore                    bool
		goes                      bool
	}{
		"a ReplicaSet goes with its Deployment":                  {kind: replicaSet, owners: deployment, goes: true},
		"it goes even if owners are ignored":                     {kind: replicaSet, owners: deployment, ignore: true, goes: true},
		"it stays if it is annotated so":                         {kind: replicaSet, owners: deployment, annotations: exempt},
		"it stays if the Deployment is not selected":             {kind: replicaSet, owners: "{apiVersion: apps/v1, kind: Deployment, name: d, uid: stranger}"},
		"it goes if the Deployment is deleted":                   {kind: replicaSet, owners: gone, goes: true},
		"it stays if it is annotated so, Deployment or not":      {kind: replicaSet, owners: gone, annotations: exempt},
		"a StatefulSet goes if its owner is deleted":             {kind: "apps/v1, kind: StatefulSet", owners: goneThing, goes: true},
		"a StatefulSet stays so if owners are ignored":           {kind: "apps/v1, kind: StatefulSet", owners: goneThing, ignore: true},
		"a ConfigMap stays, whose owner is deleted":              {kind: "v1, kind: ConfigMap", owners: goneThing},
		"a claim stays, whose owner is deleted":                  {kind: "v1, kind: PersistentVolumeClaim", owners: goneThing},
		"it goes with a custom resource":                         {kind: replicaSet, owners: custom, goes: true},
		"it stays with a custom resource if owners are ignored":  {kind: replicaSet, owners: custom, ignore: true},
		"a Deployment goes with a custom resource":               {kind: "apps/v1, kind: Deployment", owners: custom, goes: true},
		"a StatefulSet goes with a custom resource":              {kind: "apps/v1, kind: StatefulSet", owners: custom, goes: true},
		"a DeploymentConfig goes with a custom resource":         {kind: "apps.openshift.io/v1, kind: DeploymentConfig", owners: custom, goes: true},
		"a ReplicationController goes with its DeploymentConfig": {kind: "v1, kind: ReplicationController", owners: custom, goes: true},
		"a ServiceAccount goes with a custom resource":           {kind: "v1, kind: ServiceAccount", owners: custom, goes: true},
		"a Role goes with a custom resource":                     {kind: "rbac.authorization.k8s.io/v1, kind: Role", owners: custom, goes: true},
		"a RoleBinding goes with a custom resource":              {kind: "rbac.authorization.k8s.io/v1, kind: RoleBinding", owners: custom, goes: true},
		"a Service goes with a custom resource":                  {kind: "v1, kind: Service", owners: custom, goes: true},
		"an autoscaler goes with a custom resource":              {kind: "autoscaling/v2, kind: HorizontalPodAutoscaler", owners: custom, goes: true},
		"a second owner counts too":                              {kind: "v1, kind: Service", owners: stranger + "," + custom, goes: true},
		"a Service stays without a selected owner":               {kind: "v1, kind: Service", owners: stranger},
		"a Knative Service stays":                                {kind: "serving.knative.dev/v1, kind: Service", owners: custom},
		"a ConfigMap stays":                                      {kind: "v1, kind: ConfigMap", owners: custom},
		"a Secret stays":                                         {kind: "v1, kind: Secret", owners: custom},
		"a DaemonSet stays":                                      {kind: "apps/v1, kind: DaemonSet", owners: custom},
		"a Job stays":                                            {kind: "batch/v1, kind: Job", owners: custom},
		"a custom resource stays":                                {kind: "example.com/v1, kind: Other", owners: custom},
		"what belongs to a Pod goes":                             {kind: "v1, kind: ConfigMap", owners: pod, goes: true},
		"what belongs to a Pod stays if it is annotated so":      {kind: "v1, kind: ConfigMap", owners: pod, annotations: exempt},
		"what belongs to a Pod stays if owners are ignored":      {kind: "v1, kind: ConfigMap", owners: pod, ignore: true},
		"another group's Pod is no Pod":                          {kind: "v1, kind: ConfigMap", owners: "{apiVersion: example.com/v1, kind: Pod, name: p, uid: stranger}"},
		"a report of a Migration goes":                           {kind: "v1, kind: ConfigMap", owners: migration, goes: true},
		"a report of a Migration goes if owners are ignored":     {kind: "v1, kind: ConfigMap", owners: migration, ignore: true, goes: true},
		"a claim stays with its owner":                           {kind: "v1, kind: PersistentVolumeClaim", owners: custom},
		"an object without owners stays":                         {kind: "v1, kind: Service"},
	} {
		t.Run(name, func(t *testing.T) {
			object := parse(t, `{apiVersion: `+test.kind+`, metadata: {name: a, namespace: shop, annotations: {`+test.annotations+`}, ownerReferences: [`+test.owners+`]}}`)
			known := owners{
				selected: sets.New[types.UID]("selected"), alive: sets.New[types.UID]("selected", "stranger"),
				complete: sets.New(deploymentKind, schema.GroupKind{Group: "example.com", Kind: "Known"}),
			}
			got := goesWithOwner(&Object{Unstructured: object, Kind: Kind{Kind: object.GroupVersionKind()}}, handlingOf(object).ownedGoes, known, test.ignore)
			if got != test.goes {
				t.Errorf("got %t, want %t", got, test.goes)
			}
		})
	}
}

func TestOwnedClaims(t *testing.T) {
	object := func(kind schema.GroupKind, name, uid string, owners string) *Object {
		u := parse(t, `{apiVersion: v1, kind: X, metadata: {name: `+name+`, namespace: shop, uid: `+uid+`, ownerReferences: [`+owners+`]}}`)
		return &Object{Unstructured: u, Kind: Kind{Kind: kind.WithVersion("v1")}, UID: u.GetUID()}
	}
	const thing = "{apiVersion: example.com/v1, kind: Thing, name: a, uid: thing, controller: true}"
	set := &Set{Objects: []*Object{
		object(claimKind, "data-0", "c0", thing),
		object(claimKind, "data-1", "c1", thing+", {apiVersion: v1, kind: Secret, name: s, uid: gone}"),
		object(claimKind, "free", "c2", ""),
		object(schema.GroupKind{Kind: "ConfigMap"}, "owned", "m", thing),
		object(schema.GroupKind{Group: "example.com", Kind: "Thing"}, "a", "thing", ""),
	}}
	owned := set.OwnedClaims()
	if len(owned) != 1 || len(owned["thing"]) != 2 {
		t.Fatalf("got %v, want two claims of one owner", owned)
	}
	for _, claim := range []string{"data-0", "data-1"} {
		owner := owned["thing"][claim]
		if owner.Kind != "Thing" || owner.Name != "a" || owner.Controller == nil || !*owner.Controller {
			t.Errorf("claim %s has owner %+v", claim, owner)
		}
	}
}
