package migration

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/volume/fake"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

const twiceGroup = "twice.example.com"

//go:embed testdata/kinds.yaml
var manyKinds string

var _ = Describe("A Migration of any objects that an API server accepts", func() {
	BeforeEach(func(ctx SpecContext) {
		installWidgets(twiceGroup)
		registration := &storkv1alpha1.ApplicationRegistration{}
		if here.Get(ctx, types.NamespacedName{Name: twiceGroup}, registration) != nil {
			register(ctx, twiceGroup, storkv1alpha1.ApplicationResource{SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.replicas", Type: "int"}})
		}
	})

	for seed := range uint64(4) {
		It(fmt.Sprintf("writes nothing a second time, mix %d", seed), func(ctx SpecContext) {
			migrateTwice(ctx, rand.New(rand.NewPCG(seed, 0)))
		})
	}
})

func migrateTwice(ctx context.Context, random *rand.Rand) {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	createVolume(ctx, namespace, "data", fake.Provisioner)
	created := 0
	for text := range strings.SplitSeq(strings.ReplaceAll(manyKinds, "NAMESPACE", namespace), "\n---\n") {
		base := objecttest.Parse(GinkgoTB(), text)
		base.SetNamespace(namespace)
		for variant := range 3 {
			created += createVariant(ctx, random, base, variant)
		}
	}
	Expect(created).To(BeNumerically(">", 60), "objects that the API server accepts")

	counter := &writeCounter{}
	for _, name := range []string{"first", "second"} {
		migration := newMigration(namespace, name)
		migration.Labels = map[string]string{labelOwnOperator: ""}
		migration.Spec.IncludeOptionalResourceTypes = []string{"job"}
		migration.Spec.PurgeDeletedResources = new(true)
		Expect(here.Create(ctx, migration)).To(Succeed())
		operator := startOperator(newJournal(), -1)
		operator.Clusters = remote.NewPool(here, remote.Options{Connect: counter.connect})
		operator.work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), "%s: %v", succeededMessage(migration), failures(migration))
		if name == "first" {
			Expect(len(counter.take())).To(BeNumerically(">", created/2))
			continue
		}
		Expect(outcomes(migration)).To(HaveEach("Unchanged"))
		Expect(counter.take()).To(BeEmpty())
	}
}

// createVariant creates the object, changed at random unless it is the first variant, and tells whether the API server accepts it.
func createVariant(ctx context.Context, random *rand.Rand, base *unstructured.Unstructured, variant int) int {
	GinkgoHelper()
	for range 8 {
		obj := base.DeepCopy()
		if variant > 0 {
			change := &objecttest.Fuzz{Bytes: make([]byte, 4+random.IntN(30)), Keys: changedKeys, Strings: changedStrings}
			for i := range change.Bytes {
				change.Bytes[i] = byte(random.UintN(256))
			}
			change.Mutate(obj)
			obj.SetName(fmt.Sprintf("%s-%d", base.GetName(), variant))
			obj.SetNamespace(base.GetNamespace())
			obj.SetOwnerReferences(nil)
		}
		if _, _, err := unstructured.NestedInt64(obj.Object, "spec", "replicas"); err != nil {
			continue // What cannot be suspended is refused, and rightly so.
		}
		if here.Create(ctx, obj) == nil {
			return 1
		}
	}
	return 0
}

var (
	changedKeys = []string{
		"labels", "annotations", "a.b/c", "replicas", "paused", "suspend", "data", "spec", "status", "template", "metadata", "minReadySeconds", "note",
		"finalizers", "immutable", "env", "resources", "limits", "requests", "cpu", "memory", "cattle.io/x", "field.cattle.io/projectId", "dnsPolicy",
		"kubectl.kubernetes.io/last-applied-configuration", "helm.sh/chart", "argocd.argoproj.io/tracking-id", "ports", "selector", "priority",
	}
	changedStrings = []string{"", "x", "1000m", "1024Mi", "1", "0.5", "true", "null", "web", "ClusterFirst", "Always", "8080", "a/b", "ü", " "}
)

func failures(migration *storkv1alpha1.Migration) []string {
	var failed []string
	for _, info := range migration.Status.Resources {
		if info.Status == storkv1alpha1.MigrationStatusFailed {
			failed = append(failed, info.Kind+" "+info.Name+": "+info.Reason)
		}
	}
	return failed
}

// writeCounter sees every request to the destination that is no reading.
type writeCounter struct {
	mu     sync.Mutex
	writes []string
}

func (c *writeCounter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.writes
	c.writes = nil
	return taken
}

func (c *writeCounter) connect(credential *remote.Credential, options remote.Options) (*remote.Cluster, error) {
	connected, err := remote.Connect(credential, options)
	if err != nil {
		return nil, err
	}
	next := connected.Config.Transport
	connected.Dynamic, err = remote.NewDynamic(connected.Config, &http.Client{Transport: roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method != http.MethodGet {
			c.mu.Lock()
			c.writes = append(c.writes, request.Method+" "+request.URL.Path)
			c.mu.Unlock()
		}
		return next.RoundTrip(request)
	})})
	return connected, err
}
