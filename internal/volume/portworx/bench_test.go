package portworx

import (
	"context"
	"fmt"
	"net"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/standin"
)

// Where others pair with the clusters, and by what token. Nothing listens there: the stand-ins know each other.
const (
	remoteIP    = "192.0.2.7"
	remoteToken = "the-pair-token-of-the-destination"
	remoteID    = "destination"
)

// bench is a driver with the Portworx that it talks to, and another Portworx that this one may pair with.
type bench struct {
	*testing.T

	driver              *Driver
	source, destination *standin.Cluster
	clock               *clocktesting.FakeClock
	address             string
	stop                func()
}

// newBench serves the source on a port of its own. The driver is configured for that, and changed by configure.
func newBench(t *testing.T, configure func(*Config), objects ...client.Object) *bench {
	t.Helper()
	network := &standin.Network{}
	b := &bench{
		T: t, clock: clocktesting.NewFakeClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)),
		source:      network.Add("source", "192.0.2.1:9001", "the-pair-token-of-the-source"),
		destination: network.Add(remoteID, remoteIP+":9001", remoteToken),
	}
	b.source.Clock = b.clock
	b.serve("127.0.0.1:0")
	b.driver = b.newDriver(configure, objects...)
	return b
}

// newDriver returns one as a process of its own has it.
func (b *bench) newDriver(configure func(*Config), objects ...client.Object) *Driver {
	b.Helper()
	config, err := ConfigFrom(func(string) string { return "" })
	if err != nil {
		b.Fatal(err)
	}
	config.Endpoint, config.Subject = b.address, "godwit-0"
	if configure != nil {
		configure(&config)
	}
	driver := New(config, newReader(b.T, objects...), b.clock)
	b.Cleanup(func() { _ = driver.Close() })
	return driver
}

func newReader(t *testing.T, objects ...client.Object) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, storkv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// serve has the source answer at an address, where port 0 stands for any that is free.
func (b *bench) serve(address string, options ...grpc.ServerOption) {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.address = listener.Addr().String()
	b.stop = b.source.Serve(listener, options...)
	b.Cleanup(b.stop)
}

// options of a ClusterPair to the destination, with changes; an empty value removes a key.
func options(changes map[string]string) map[string]string {
	all := map[string]string{"ip": remoteIP, "port": "9001", "token": remoteToken, "mode": "DisasterRecovery"}
	for key, value := range changes {
		all[key] = value
		if value == "" {
			delete(all, key)
		}
	}
	return all
}

func newPair(changes map[string]string) *storkv1alpha1.ClusterPair {
	return &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "remote"},
		Spec:       storkv1alpha1.ClusterPairSpec{Options: options(changes)},
	}
}

// paired returns a ClusterPair to the destination that the driver has paired.
func (b *bench) paired() *storkv1alpha1.ClusterPair {
	b.Helper()
	pair := newPair(nil)
	pairing, err := b.driver.Pair(b.Context(), pair)
	if err != nil {
		b.Fatal(err)
	}
	pair.Status.RemoteStorageID = pairing.RemoteID
	return pair
}

// run returns one over volumes of the source, one for each content: pvc-0 of claim data-0, and so on.
func (b *bench) run(pair *storkv1alpha1.ClusterPair, contents ...string) volume.Run {
	run := volume.Run{ID: "be63bf72", Migration: types.NamespacedName{Namespace: "shop", Name: "first"}, Pair: pair}
	for i, content := range contents {
		pv := csiVolume(fmt.Sprintf("pvc-%d", i))
		b.source.SetVolume(pv.Name, content)
		run.Volumes = append(run.Volumes, moveOf(fmt.Sprintf("data-%d", i), pv.Name, pv))
	}
	return run
}

func csiVolume(name string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
		PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: "pxd.portworx.com", VolumeHandle: "803579251894538921"},
		},
	}}
}

func moveOf(claim, volumeName string, pv *corev1.PersistentVolume) volume.Move {
	return volume.Move{DestinationNamespace: "shop", Binding: volume.Binding{Volume: pv, Claim: &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: claim},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: volumeName},
	}}}
}

// start starts a run, status asks for it; both return the states in the order of the claims' names.
func (b *bench) start(run volume.Run) []volume.Status {
	b.Helper()
	return b.sorted(b.driver.Start(b.Context(), run))
}

func (b *bench) status(run volume.Run) []volume.Status {
	b.Helper()
	return b.sorted(b.driver.Status(b.Context(), run))
}

func (b *bench) sorted(states []volume.Status, err error) []volume.Status {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	slices.SortFunc(states, func(x, y volume.Status) int { return strings.Compare(x.Claim.Name, y.Claim.Name) })
	return states
}

// finish lets the source copy to the end and returns the states.
func (b *bench) finish(run volume.Run) []volume.Status {
	b.Helper()
	for range 20 {
		b.source.Advance()
	}
	return b.status(run)
}

// reconnect returns when the driver is connected again.
func (b *bench) reconnect() {
	b.Helper()
	conn := b.driver.connection.conn
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		conn.ResetConnectBackoff()
		conn.Connect()
		if !conn.WaitForStateChange(b.Context(), state) {
			b.Fatal("it was not connected again")
		}
	}
}

// awaitWaiter returns when somebody waits for the clock.
func (b *bench) awaitWaiter() {
	for !b.clock.HasWaiters() {
		goruntime.Gosched()
	}
}

// calls returns how often a method was called.
func (b *bench) calls(method string) int {
	calls := 0
	for _, call := range b.source.Calls() {
		if call == method {
			calls++
		}
	}
	return calls
}

// want fails unless the states are as given, one for each volume.
func (b *bench) want(states []volume.Status, wanted ...storkv1alpha1.MigrationStatusType) {
	b.Helper()
	if len(states) != len(wanted) {
		b.Fatalf("%d states, want %d: %v", len(states), len(wanted), states)
	}
	for i, state := range states {
		if state.State != wanted[i] {
			b.Errorf("%s is %s (%s), want %s", state.Claim, state.State, state.Reason, wanted[i])
		}
	}
}

// mention fails unless a text has all words.
func mention(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not mention %q", text, word)
		}
	}
}

func newClock(now time.Time) *clocktesting.FakeClock { return clocktesting.NewFakeClock(now) }

// errorOf returns the error of a call that returns something else, too.
func errorOf[T any](_ T, err error) error { return err }

// canceled returns a context that is done.
func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
