package apply_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/internal/apply"
)

// measureEnv is the number of objects to measure with; unset skips the measurement; make measure sets it. With GODWIT_MEASURE_FSYNC set the database
// writes to the disk, as in production.
const measureEnv = "GODWIT_MEASURE_OBJECTS"

// TestMeasure compares runs of the engine with a bare parallel LIST and CREATE of as many workers, each on a new cluster, and logs
// what it finds. It asserts nothing but that all objects arrive.
func TestMeasure(t *testing.T) {
	objects, err := strconv.Atoi(os.Getenv(measureEnv))
	if err != nil {
		t.Skipf("it measures and judges nothing: make measure runs it, or set %s to a number of objects", measureEnv)
	}
	RegisterTestingT(t)
	bare := measure(t, objects, "bare LIST and CREATE", func(config *rest.Config, mix []*unstructured.Unstructured) {
		createAll(t, config, mix)
	})
	first := measure(t, objects, "first run", func(config *rest.Config, mix []*unstructured.Unstructured) {
		engine, counter := newEngine(config, apply.Options{})
		peak := watchHeap()
		run(t, counter, engine, plan(mix...))
		t.Logf("  %d MiB of memory for the plan and the run", peak()>>20)
	})
	t.Logf("first run takes %.2f of the bare LIST and CREATE", first.Seconds()/bare.Seconds())
}

func measure(t *testing.T, n int, what string, work func(*rest.Config, []*unstructured.Unstructured)) time.Duration {
	t.Helper()
	destination, err := localcluster.Start(t.Context(), localcluster.Options{Fsync: os.Getenv("GODWIT_MEASURE_FSYNC") != ""})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := destination.Stop(); err != nil {
			t.Error(err)
		}
	}()
	admin, err := dynamic.NewForConfig(destination.Config())
	if err != nil {
		t.Fatal(err)
	}
	namespace := object("{apiVersion: v1, kind: Namespace, metadata: {name: bench}}")
	if _, err := admin.Resource(resources["Namespace"]).Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	objects := mixOf(n)
	debug.FreeOSMemory()
	began, server, client := time.Now(), cpuOf(t, destination.Processes()), cpuOf(t, map[string]int{"client": os.Getpid()})
	work(destination.Config(), objects)
	took := time.Since(began)
	t.Logf("%s of %d objects: %s, %.0f objects/s, CPU of the server %s and of the client %s", what, n, took.Round(time.Millisecond),
		float64(n)/took.Seconds(), cpuOf(t, destination.Processes())-server, cpuOf(t, map[string]int{"client": os.Getpid()})-client)
	if what != "first run" {
		return took
	}
	engine, counter := newEngine(destination.Config(), apply.Options{})
	unchanged := plan(objects...)
	client = cpuOf(t, map[string]int{"client": os.Getpid()})
	again := run(t, counter, engine, unchanged)
	t.Logf("unchanged run: %s, %.0f objects/s, CPU of the client %s", again.Round(time.Millisecond), float64(n)/again.Seconds(),
		cpuOf(t, map[string]int{"client": os.Getpid()})-client)
	peak := watchHeap()
	run(t, counter, engine, plan(objects...))
	t.Logf("  %d MiB of memory for the plan and the run", peak()>>20)
	for i := 0; i < n; i += 100 {
		objects[i].SetLabels(map[string]string{"changed": "true"})
	}
	changed := run(t, counter, engine, plan(objects...))
	t.Logf("run with 1%% changed: %s", changed.Round(time.Millisecond))
	return took
}

func run(t *testing.T, counter *traffic, engine *apply.Engine, p apply.Plan) time.Duration {
	t.Helper()
	counter.reset()
	began := time.Now()
	report, err := engine.Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	for _, result := range report.Results {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
	t.Logf("  requests %v, results %v, notices %v", counter.reset(), actions(report), report.Notices)
	return took
}

// createAll is what the engine is measured against.
func createAll(t *testing.T, config *rest.Config, objects []*unstructured.Unstructured) {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, o := range objects {
		kinds[o.GetKind()] = true
	}
	for kind := range kinds {
		if _, err := client.Resource(resources[kind]).Namespace("bench").List(t.Context(), metav1.ListOptions{Limit: 500}); err != nil {
			t.Fatal(err)
		}
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for _, o := range objects {
		group.Go(func() error {
			_, err := client.Resource(resources[o.GetKind()]).Namespace("bench").Create(ctx, o, metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// cpuOf returns the time that processes have worked, which says more than that of the clock where a machine does other things too.
func cpuOf(t *testing.T, processes map[string]int) time.Duration {
	t.Helper()
	var ticks int
	for name, pid := range processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, fields, _ := strings.Cut(string(stat), ") ")
		var user, system int
		if _, err := fmt.Sscan(strings.Join(strings.Fields(fields)[11:13], " "), &user, &system); err != nil {
			t.Fatalf("reading the times of %s: %v", name, err)
		}
		ticks += user + system
	}
	return time.Duration(ticks) * time.Second / 100
}

// watchHeap returns a function that stops watching and returns the peak of the heap, garbage included, beyond what is live now.
func watchHeap() func() int64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	before, peak := int64(now.HeapAlloc), int64(0)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			runtime.ReadMemStats(&now)
			peak = max(peak, int64(now.HeapAlloc)-before)
			<-ticker.C
		}
	})
	return func() int64 {
		cancel()
		group.Wait()
		return peak
	}
}

// mixOf makes objects of the kinds that namespaces are made of. Of 100 objects, 40 are ConfigMaps of 1 KiB, 20 Secrets, 10 Services,
// 10 Deployments, 8 ServiceAccounts, 6 Roles and 6 RoleBindings.
func mixOf(n int) []*unstructured.Unstructured {
	random := rand.New(rand.NewPCG(1, 2))
	filler := func(size int) string {
		bytes := make([]byte, size*3/4)
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		return base64.StdEncoding.EncodeToString(bytes)
	}
	kinds := []struct {
		share int
		make  func(name string) string
	}{
		{40, func(name string) string {
			return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + name + `"},"data":{"a":"` + filler(512) + `","b":"` + filler(512) + `"}}`
		}},
		{20, func(name string) string {
			return `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"` + name + `"},"data":{"a":"` + filler(256) + `"}}`
		}},
		{10, func(name string) string {
			return `{"apiVersion":"v1","kind":"Service","metadata":{"name":"` + name + `"},"spec":{"selector":{"app":"` + name + `"},"ports":[{"port":80}]}}`
		}},
		{10, func(name string) string {
			return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"` + name + `"},"spec":{"replicas":0,"selector":{"matchLabels":{"app":"` + name +
				`"}},"template":{"metadata":{"labels":{"app":"` + name + `"}},"spec":{"containers":[{"name":"web","image":"web:1","env":[{"name":"A","value":"` +
				filler(256) + `"}],"resources":{"requests":{"cpu":"100m","memory":"64Mi"}},"ports":[{"containerPort":80}]}]}}}}`
		}},
		{8, func(name string) string {
			return `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"` + name + `"}}`
		}},
		{6, func(name string) string {
			return `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"` + name + `"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`
		}},
		{6, func(name string) string {
			return `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"` + name + `"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"` +
				name + `"},"subjects":[{"kind":"ServiceAccount","name":"x","namespace":"bench"}]}`
		}},
	}
	var objects []*unstructured.Unstructured
	for _, kind := range kinds {
		for i := range n * kind.share / 100 {
			o := &unstructured.Unstructured{}
			Expect(o.UnmarshalJSON([]byte(kind.make(fmt.Sprintf("object-%05d", i))))).To(Succeed())
			o.SetNamespace("bench")
			objects = append(objects, o)
		}
	}
	random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	return objects
}
