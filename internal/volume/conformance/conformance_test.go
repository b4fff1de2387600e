package conformance_test

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/conformance"
	"github.com/godwit-io/godwit/internal/volume/fake"
)

func subject(driver volume.Driver, advance func()) conformance.Subject {
	owned := volume.Binding{Class: &storagev1.StorageClass{Provisioner: fake.Provisioner}}
	run := volume.Run{ID: "run"}
	for _, name := range []string{"a", "b"} {
		move := volume.Move{Binding: owned, DestinationNamespace: "there"}
		move.Volume = &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: fake.Provisioner, VolumeHandle: name}},
		}}
		move.Claim = &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: name}}
		run.Volumes = append(run.Volumes, move)
	}
	return conformance.Subject{
		Driver:  driver,
		Owned:   owned,
		Foreign: volume.Binding{Class: &storagev1.StorageClass{Provisioner: "other"}},
		Pair: &storkv1alpha1.ClusterPair{Spec: storkv1alpha1.ClusterPairSpec{
			Options: map[string]string{"token": "t", "ip": "192.0.2.1"},
		}},
		Run:     run,
		Advance: advance,
	}
}

func TestFake(t *testing.T) {
	conformance.Test(t, func(*testing.T) conformance.Subject {
		driver := &fake.Driver{PendingPairs: 2}
		return subject(driver, func() { driver.Finish("") })
	})
}

// The drivers below are the fake with one promise broken each.

type badName struct{ *fake.Driver }

func (badName) Name() string { return "Not A Label" }

type greedy struct{ *fake.Driver }

func (greedy) Owns(volume.Binding) bool       { return true }
func (greedy) Pairs(o map[string]string) bool { return true }

type forgetful struct {
	*fake.Driver
	pairs *int
}

func (f forgetful) Pair(context.Context, *storkv1alpha1.ClusterPair) (volume.Pairing, error) {
	*f.pairs++
	return volume.Pairing{RemoteID: string(rune('a' + *f.pairs)), Done: true}, nil
}

type strict struct{ *fake.Driver }

func (s strict) Unpair(_ context.Context, pair *storkv1alpha1.ClusterPair) error {
	if !s.Paired("storage-at-" + pair.Spec.Options["ip"]) {
		return context.Canceled
	}
	return s.Driver.Unpair(context.Background(), pair)
}

type meddler struct{ *fake.Driver }

func (m meddler) Pair(ctx context.Context, pair *storkv1alpha1.ClusterPair) (volume.Pairing, error) {
	pair.Spec.Options["seen"] = "true"
	return m.Driver.Pair(ctx, pair)
}

// oneRun takes all runs for the same one.
type oneRun struct{ *fake.Driver }

func (o oneRun) Status(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	run.ID = "run"
	return o.Driver.Status(ctx, run)
}

// eager reports only what was started.
type eager struct{ *fake.Driver }

func (e eager) Status(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	all, err := e.Driver.Status(ctx, run)
	return slices.DeleteFunc(all, func(s volume.Status) bool { return s.State == storkv1alpha1.MigrationStatusPending }), err
}

// restarter copies again whatever is started.
type restarter struct{ *fake.Driver }

func (r restarter) Start(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	all, err := r.Driver.Start(ctx, run)
	for i := range all {
		all[i].State, all[i].Bytes = storkv1alpha1.MigrationStatusInProgress, 0
	}
	return all, err
}

type unstoppable struct{ *fake.Driver }

func (unstoppable) Cancel(context.Context, volume.Run) error { return nil }

type strictCancel struct{ *fake.Driver }

func (s strictCancel) Cancel(ctx context.Context, run volume.Run) error {
	if !slices.Contains(s.Calls(), "Start") {
		return context.Canceled
	}
	return s.Driver.Cancel(ctx, run)
}

// destroyer makes finished volumes fail when canceled.
type destroyer struct {
	*fake.Driver
	canceled *bool
}

func (d destroyer) Cancel(ctx context.Context, run volume.Run) error {
	*d.canceled = true
	return d.Driver.Cancel(ctx, run)
}

func (d destroyer) Status(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	all, err := d.Driver.Status(ctx, run)
	for i := range all {
		if *d.canceled {
			all[i].State, all[i].Reason = storkv1alpha1.MigrationStatusFailed, "canceled"
		}
	}
	return all, err
}

// wanderer puts each run's copy somewhere else.
type wanderer struct{ *fake.Driver }

func (w wanderer) Retarget(ctx context.Context, run volume.Run, pv *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	target, err := w.Driver.Retarget(ctx, run, pv)
	target.Spec.CSI.VolumeHandle += string(run.ID)
	return target, err
}

func TestChecksCatch(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks func(*fake.Driver) volume.Driver
		caught string
	}{
		"a bad name":                         {func(d *fake.Driver) volume.Driver { return badName{d} }, "can be registered"},
		"a driver that owns everything":      {func(d *fake.Driver) volume.Driver { return greedy{d} }, "owns its volumes and no others"},
		"a driver that takes any options":    {func(d *fake.Driver) volume.Driver { return greedy{d} }, "takes its own options and not empty ones"},
		"a new ID at each pairing":           {func(d *fake.Driver) volume.Driver { return forgetful{d, new(int)} }, "pairs to the same ID again"},
		"an ignored cancelation":             {func(d *fake.Driver) volume.Driver { return forgetful{d, new(int)} }, "does not pair when canceled"},
		"an error about what is not paired":  {func(d *fake.Driver) volume.Driver { return strict{d} }, "unpairs what is not paired"},
		"a changed ClusterPair":              {func(d *fake.Driver) volume.Driver { return meddler{d} }, "leaves the ClusterPair as it is"},
		"a missing state":                    {func(d *fake.Driver) volume.Driver { return eager{d} }, "reports volumes that were not started as pending"},
		"runs that are taken for each other": {func(d *fake.Driver) volume.Driver { return oneRun{d} }, "keeps runs apart"},
		"a copy that is started twice":       {func(d *fake.Driver) volume.Driver { return restarter{d} }, "starts a run once"},
		"a copy that goes on when canceled":  {func(d *fake.Driver) volume.Driver { return unstoppable{d} }, "cancels for good"},
		"an error about what never began":    {func(d *fake.Driver) volume.Driver { return strictCancel{d} }, "cancels what never began"},
		"a place that changes with the run":  {func(d *fake.Driver) volume.Driver { return wanderer{d} }, "points a volume to the same place in each run"},
		"a canceled copy that was finished":  {func(d *fake.Driver) volume.Driver { return destroyer{d, new(bool)} }, "leaves a finished run as it is when canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			driver := &fake.Driver{}
			s := subject(tc.breaks(driver), func() { driver.Finish("") })
			for _, check := range conformance.Checks(s.Driver) {
				if check.Name != tc.caught {
					continue
				}
				if check.Do(t.Context(), s) == nil {
					t.Error("was not caught")
				}
				return
			}
			t.Errorf("there is no check %q", tc.caught)
		})
	}

	t.Run("volumes that fail", func(t *testing.T) {
		driver := &fake.Driver{}
		s := subject(driver, func() { driver.Finish("disk full") })
		for _, check := range conformance.Checks(driver) {
			if check.Name == "copies every volume" && check.Do(t.Context(), s) == nil {
				t.Error("was not caught")
			}
		}
	})
}

func TestChecksLeaveOutWhatADriverCannotDo(t *testing.T) {
	type onlyDriver struct{ volume.Driver }
	if got := len(conformance.Checks(onlyDriver{&fake.Driver{}})); got != 2 {
		t.Errorf("%d checks, want 2", got)
	}
}
