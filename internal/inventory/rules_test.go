package inventory

import (
	"encoding/json"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// ruleTest judges one object, by the handling of its kind, in a migration of namespaces shop and stock.
type ruleTest struct {
	object string
	// with are other objects of the source.
	with []string
	// know adds facts that come from elsewhere.
	know func(*facts)
	want bool
	// tells says that an object that is left out must be reported.
	tells bool
}

func runRuleTests(t *testing.T, tests map[string]ruleTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFacts(sets.New("shop", "stock"), labels.Everything())
			for _, other := range test.with {
				object := parse(t, other)
				f.learnReferences(object)
				if learn := handlingOf(object).learn; learn != nil {
					learn(f, object)
				}
			}
			if test.know != nil {
				test.know(f)
			}
			object := parse(t, test.object)
			got := judge(handlingOf(object), object, f)
			if got.kept != test.want || (got.reason != "") != test.tells {
				t.Errorf("got %+v, want kept=%t and a reason: %t", got, test.want, test.tells)
			}
		})
	}
}

func handlingOf(object *unstructured.Unstructured) handling {
	return knownKinds[object.GroupVersionKind().GroupKind()]
}

func parse(tb testing.TB, text string) *unstructured.Unstructured {
	tb.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		tb.Fatal(err)
	}
	return object
}

func TestEveryKind(t *testing.T) {
	runRuleTests(t, map[string]ruleTest{
		"keeps an ordinary object": {object: `{apiVersion: v1, kind: LimitRange, metadata: {name: a, namespace: shop}}`, want: true},
		"keeps a custom resource":  {object: `{apiVersion: example.com/v1, kind: Thing, metadata: {name: a, namespace: shop}}`, want: true},
		"tells of what is going":   {tells: true, object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, deletionTimestamp: "2026-01-01T00:00:00Z"}}`},
		"says nothing of what its controller deletes": {object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop,
			deletionTimestamp: "2026-01-01T00:00:00Z", ownerReferences: [{apiVersion: example.com/v1, kind: Owner, name: a, uid: a, controller: true}]}}`},
		"leaves out an opted-out": {object: `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop, annotations: {stork.libopenstorage.org/skip-resource: "true"}}}`},
		"knows the older opt-out": {object: `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop, annotations: {stork.libopenstorage.org/skipresource: "T"}}}`},
		"lets the newer opt-out win": {want: true, object: `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop, annotations: {
			stork.libopenstorage.org/skip-resource: "false", stork.libopenstorage.org/skipresource: "true"}}}`},
		"keeps an opt-out that is no boolean": {want: true, object: `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop,
			annotations: {stork.libopenstorage.org/skip-resource: "yes please"}}}`},
	})
}

func TestSelectors(t *testing.T) {
	selector, err := labelSelector(map[string]string{"app": "a", "tier": "web"}, map[string]string{"olm.managed": "true", "env": "dev"})
	if err != nil {
		t.Fatal(err)
	}
	f := newFacts(sets.New("shop"), selector)
	for name, test := range map[string]struct {
		kind, labels string
		want         bool
	}{
		"keeps what has all labels":                 {"ConfigMap", `{app: a, tier: web, other: x}`, true},
		"leaves out what has only some":             {"ConfigMap", `{app: a}`, false},
		"leaves out what has another value":         {"ConfigMap", `{app: a, tier: db}`, false},
		"leaves out what has one excluded label":    {"ConfigMap", `{app: a, tier: web, env: dev}`, false},
		"keeps another value of an excluded label":  {"ConfigMap", `{app: a, tier: web, env: prod}`, true},
		"leaves out what has no labels":             {"ConfigMap", `{}`, false},
		"does not look at the labels of the volume": {"PersistentVolume", `{env: dev}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			object := parse(t, `{apiVersion: v1, kind: `+test.kind+`, metadata: {name: a, labels: `+test.labels+`},
				spec: {claimRef: {namespace: shop, name: data}}, status: {phase: Bound}}`)
			f.claims[types.NamespacedName{Namespace: "shop", Name: "data"}] = "1"
			if got := judge(handlingOf(object), object, f); got.kept != test.want {
				t.Errorf("got %+v, want %t", got, test.want)
			}
		})
	}
}

func TestLabelSelectorRefusesWhatIsNoLabel(t *testing.T) {
	if _, err := labelSelector(map[string]string{"app": "two words"}, nil); err == nil {
		t.Error("a value with a space was taken for a label")
	}
	if _, err := labelSelector(nil, map[string]string{"a/b/c": "x"}); err == nil {
		t.Error("a key with two slashes was taken for a label")
	}
}

const (
	boundClaim = `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop, uid: "1"}, status: {phase: Bound}}`
	podOwner   = `ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: "9"}]`
)

func TestClaims(t *testing.T) {
	claim := func(metadata, phase string) string {
		return `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop, ` + metadata + `}, status: {phase: ` + phase + `}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps a bound claim":                 {object: boundClaim, want: true},
		"tells of a pending claim":            {object: claim("", "Pending"), tells: true},
		"tells of a lost claim":               {object: claim("", "Lost"), tells: true},
		"tells of a claim without a phase":    {object: `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}}`, tells: true},
		"tells of a claim that is deleted":    {object: claim(`deletionTimestamp: "2026-01-01T00:00:00Z"`, "Bound"), tells: true},
		"tells of an ephemeral claim":         {object: claim(podOwner, "Bound"), tells: true},
		"keeps an ephemeral claim on request": {object: claim(podOwner+`, annotations: {stork.libopenstorage.org/skip-owner-ref-check: "true"}`, "Bound"), want: true},
		"says nothing of an opted-out claim":  {object: claim(`annotations: {stork.libopenstorage.org/skip-resource: "true"}`, "Pending")},
	})
}

func TestVolumes(t *testing.T) {
	volume := func(phase, uid string) string {
		return `{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, status: {phase: ` + phase + `},
			spec: {claimRef: {namespace: shop, name: data, uid: "` + uid + `"}}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps the volume of a migrated claim":                  {object: volume("Bound", "1"), with: []string{boundClaim}, want: true},
		"keeps a volume that does not tell the UID":             {object: volume("Bound", ""), with: []string{boundClaim}, want: true},
		"leaves out a volume whose claim is gone":               {object: volume("Released", "1")},
		"leaves out a volume of an older claim of the name":     {object: volume("Bound", "0"), with: []string{boundClaim}},
		"leaves out a released volume of a claim that is there": {object: volume("Released", "1"), with: []string{boundClaim}},
		"leaves out a volume that is not bound":                 {object: `{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, status: {phase: Available}}`, with: []string{boundClaim}},
		"leaves out the volume of a claim that is opted out": {object: volume("Bound", "1"), with: []string{
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop, uid: "1",
			annotations: {stork.libopenstorage.org/skip-resource: "true"}}, status: {phase: Bound}}`}},
	})
}

func TestDataVolumes(t *testing.T) {
	volume := `{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, metadata: {name: data, namespace: shop}}`
	runRuleTests(t, map[string]ruleTest{
		"keeps one whose claim is migrated": {object: volume, with: []string{boundClaim}, want: true},
		"tells of one without a claim":      {object: volume, tells: true},
	})
}

func TestControllerRevisions(t *testing.T) {
	revision := func(owner string) string {
		return `{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: r, namespace: shop, ownerReferences: [` + owner + `]}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps what a virtual machine was made with": {object: revision(`{apiVersion: kubevirt.io/v1, kind: VirtualMachine, name: vm, uid: "1"}`), want: true},
		"leaves out those of workloads":              {object: revision(`{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: "1"}`)},
		"leaves out those of nobody":                 {object: revision("")},
	})
}

func TestConfigMaps(t *testing.T) {
	named := func(name string) string {
		return `{apiVersion: v1, kind: ConfigMap, metadata: {name: ` + name + `, namespace: shop}}`
	}
	stash := func(content string) string {
		quoted, _ := json.Marshal(content)
		return `{apiVersion: v1, kind: ConfigMap, metadata: {name: thing-example.com-a, namespace: shop, labels: {stash-cr: "true"}},
			data: {cr-runtime-object: ` + string(quoted) + `}}`
	}
	content := `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","namespace":"shop"}}`
	alive := func(f *facts) {
		f.customResources.Insert(identity{schema.GroupKind{Group: "example.com", Kind: "Thing"}, types.NamespacedName{Namespace: "shop", Name: "a"}})
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps an application's":                     {object: named("settings"), want: true},
		"leaves out the cluster's certificate":       {object: named("kube-root-ca.crt")},
		"leaves out OpenShift's certificate":         {object: named("openshift-service-ca.crt")},
		"leaves out Istio's certificate":             {object: named("istio-ca-root-cert")},
		"leaves out the stash of an active resource": {object: stash(content), know: alive},
		"keeps the stash of a resource that waits":   {object: stash(content), want: true},
		"leaves out the stash of an excluded kind": {object: stash(content), know: func(f *facts) {
			f.excluded.Insert(schema.GroupKind{Group: "example.com", Kind: "Thing"})
		}},
		"keeps a stash that cannot be read":          {object: stash("{"), know: alive, want: true},
		"keeps a stash whose content is no text":     {object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: s, labels: {stash-cr: "true"}}, data: {cr-runtime-object: 7}}`, want: true},
		"keeps a ConfigMap that only looks like one": {object: `{apiVersion: v1, kind: ConfigMap, metadata: {name: s}, data: {cr-runtime-object: "` + `{}` + `"}}`, know: alive, want: true},
	})
}

func TestSecrets(t *testing.T) {
	secret := func(name, kind string) string {
		return `{apiVersion: v1, kind: Secret, metadata: {name: ` + name + `, namespace: shop}, type: ` + kind + `}`
	}
	tests := map[string]ruleTest{
		"keeps an application's":                {object: secret("password", "Opaque"), want: true},
		"keeps Helm's releases":                 {object: secret("sh.helm.release.v1.shop.v1", "helm.sh/release.v1"), want: true},
		"keeps the token of another account":    {object: secret("ci-token-abcde", "kubernetes.io/service-account-token"), want: true},
		"keeps one that only starts like these": {object: secret("default-password", "Opaque"), want: true},
	}
	for _, account := range []string{"default", "builder", "deployer"} {
		tests["leaves out the token of "+account] = ruleTest{object: secret(account+"-token-abcde", "kubernetes.io/service-account-token")}
		tests["leaves out the pull secret of "+account] = ruleTest{object: secret(account+"-dockercfg-abcde", "kubernetes.io/dockercfg")}
	}
	runRuleTests(t, tests)
}

func TestResourceQuotas(t *testing.T) {
	runRuleTests(t, map[string]ruleTest{
		"keeps an owner's": {object: `{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}}`, want: true},
		"leaves out GKE's": {object: `{apiVersion: v1, kind: ResourceQuota, metadata: {name: gke-resource-quotas, namespace: shop}}`},
	})
}

// TestNeverMigrated names what belongs to a cluster itself. ImageStreamTags go with their ImageStream.
func TestNeverMigrated(t *testing.T) {
	for name, tc := range map[string]struct {
		kind schema.GroupKind
		want bool
	}{
		"pods":                                {schema.GroupKind{Kind: "Pod"}, true},
		"leases":                              {schema.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"}, true},
		"events of either group":              {schema.GroupKind{Group: "events.k8s.io", Kind: "Event"}, true},
		"live migrations of virtual machines": {schema.GroupKind{Group: "kubevirt.io", Kind: "VirtualMachineInstanceMigration"}, true},
		"running virtual machines":            {schema.GroupKind{Group: "kubevirt.io", Kind: "VirtualMachineInstance"}, true},
		"snapshots of any group":              {schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"}, true},
		"Stork's own objects":                 {schema.GroupKind{Group: "stork.libopenstorage.org", Kind: "Migration"}, true},
		"but virtual machines are":            {schema.GroupKind{Group: "kubevirt.io", Kind: "VirtualMachine"}, false},
		"but a Pod of another group is":       {schema.GroupKind{Group: "example.com", Kind: "Pod"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := neverMigrated(tc.kind); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if _, known := knownKinds[schema.GroupKind{Group: groupOSImage, Kind: "ImageStreamTag"}]; known {
		t.Error("ImageStreamTags are migrated by themselves")
	}
}

// FuzzRules looks for objects on which a rule panics: a custom resource, or a kind of an old API server, may have anything in the
// place of what a rule expects. No rule changes an object, and each judges the same object the same way.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		`{"metadata":{"labels":7,"annotations":[],"ownerReferences":{"a":1},"deletionTimestamp":3}}`,
		`{"metadata":{"name":["kubernetes"],"ownerReferences":[7,{"apiVersion":3}]},"spec":[],"status":"Bound","subjects":[1,{"kind":2}]}`,
		`{"spec":{"claimRef":"x","ingress":[{"from":[{"ipBlock":7}]}],"template":{"spec":[]},"volumeClaimTemplates":{}}}`,
		`{"roleRef":[],"webhooks":[{"clientConfig":{"service":"a"}}],"subsets":[{"addresses":[7]}],"imagePullSecrets":"x","data":[1]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		object := &unstructured.Unstructured{}
		if json.Unmarshal(content, &object.Object) != nil || object.Object == nil {
			return
		}
		before := object.DeepCopy()
		known := newFacts(sets.New("shop"), labels.Everything())
		known.learnReferences(object)
		newDefinition(object)
		for kind, h := range knownKinds {
			if h.learn != nil {
				h.learn(known, object)
			}
			first := judge(h, object, known)
			if second := judge(h, object, known); first != second || first.kept && first.reason != "" {
				t.Errorf("%s was judged as %+v, then as %+v", kind, first, second)
			}
			goesWithOwner(&Object{Unstructured: object, Kind: Kind{Kind: kind.WithVersion("v1")}}, h.ownedGoes, owners{}, false)
		}
		if !reflect.DeepEqual(before, object) {
			t.Errorf("%s was changed to %v", content, object)
		}
	})
}
