package volume_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/fake"
)

// plain is a driver that can do nothing but own everything.
type plain struct{ name string }

func (p plain) Name() string           { return p.name }
func (plain) Owns(volume.Binding) bool { return true }

func registry(t *testing.T, drivers ...volume.Driver) *volume.Registry {
	t.Helper()
	r := &volume.Registry{}
	for _, driver := range drivers {
		if err := r.Register(driver); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRegister(t *testing.T) {
	for name, taken := range map[string]string{
		"refuses a name that is taken": "plain",
		"refuses an empty name":        "",
		"refuses a name with spaces":   "two words",
		"refuses upper case":           "Plain",
	} {
		t.Run(name, func(t *testing.T) {
			r := registry(t, plain{"plain"})
			if err := r.Register(plain{taken}); err == nil {
				t.Errorf("Register(%q) = nil, want an error", taken)
			}
			if _, found := r.Driver(taken); found != (taken == "plain") {
				t.Errorf("Driver(%q) found = %v", taken, found)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	csi := func(driver string) *corev1.PersistentVolume {
		return &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: driver},
		}}}
	}
	class := &storagev1.StorageClass{Provisioner: fake.Provisioner}
	mine := &fake.Driver{}
	// Both own everything; asked gets a volume only by its name.
	all, asked := every{&fake.Driver{DriverName: "all"}}, every{&fake.Driver{DriverName: "asked"}}
	drivers := &volume.Registry{}
	for _, err := range []error{drivers.RegisterOnRequest(asked), drivers.Register(mine), drivers.Register(all), drivers.Register(plain{"plain"})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		drivers       *volume.Registry
		binding       volume.Binding
		wanted, pairs string
		want, err     string
	}{
		"finds nobody without drivers":                     {drivers: &volume.Registry{}, err: "no storage driver of this operator owns the volume"},
		"finds nobody for a foreign volume":                {drivers: registry(t, mine), binding: volume.Binding{Volume: csi("other"), Class: class}, err: "owns the volume"},
		"finds the owner by the volume":                    {drivers: drivers, binding: volume.Binding{Volume: csi(fake.Provisioner)}, want: "fake"},
		"finds the owner by the class before binding":      {drivers: drivers, binding: volume.Binding{Class: class}, want: "fake"},
		"asks the next one where the first does not own":   {drivers: drivers, binding: volume.Binding{Volume: csi("other")}, want: "all"},
		"takes the one that the pair names":                {drivers: drivers, binding: volume.Binding{Class: class}, pairs: "all", want: "all"},
		"takes the one that the Migration names before it": {drivers: drivers, binding: volume.Binding{Class: class}, pairs: "all", wanted: "asked", want: "asked"},
		"names the drivers where one is not known":         {drivers: drivers, wanted: "other", err: `no storage driver "other", but asked, fake, all, plain`},
		"names nothing where there are no drivers":         {drivers: &volume.Registry{}, wanted: "other", err: `no storage driver "other", but none at all`},
		"refuses one that does not own a volume of CSI":    {drivers: drivers, wanted: "fake", binding: volume.Binding{Volume: csi("other")}, err: "fake cannot be used for the volume: it is of CSI driver other"},
		"refuses one that does not own a volume's class":   {drivers: drivers, wanted: "fake", binding: volume.Binding{Class: &storagev1.StorageClass{Provisioner: "other"}}, err: "it is of provisioner other"},
		"refuses one that does not own a volume of a tree": {drivers: drivers, wanted: "fake", binding: volume.Binding{Volume: &corev1.PersistentVolume{}}, err: "not of a kind that it handles"},
		"refuses one where nothing is known":               {drivers: drivers, wanted: "fake", err: "nothing is known of it"},
		"refuses one that does not move volumes":           {drivers: drivers, wanted: "plain", err: "plain cannot move volumes"},
	} {
		t.Run(name, func(t *testing.T) {
			driver, err := tc.drivers.Choose(tc.binding, tc.wanted, tc.pairs)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("err = %v, want one that contains %q", err, tc.err)
				}
				return
			}
			if err != nil || driver.Name() != tc.want {
				t.Errorf("Choose = %v, %v, want %s", driver, err, tc.want)
			}
		})
	}
}

// every owns every volume.
type every struct{ *fake.Driver }

func (every) Owns(volume.Binding) bool { return true }

func TestPairer(t *testing.T) {
	a, b := &fake.Driver{DriverName: "a"}, &fake.Driver{DriverName: "b"}
	for name, tc := range map[string]struct {
		drivers []volume.Driver
		options map[string]string
		want    string
	}{
		"finds nobody without drivers":           {options: map[string]string{"token": "x"}},
		"passes over drivers that cannot pair":   {drivers: []volume.Driver{plain{"plain"}, a}, options: map[string]string{"token": "x"}, want: "a"},
		"passes over drivers not addressed":      {drivers: []volume.Driver{a, b}, options: map[string]string{"token": "x", "driver": "b"}, want: "b"},
		"finds nobody where nobody is addressed": {drivers: []volume.Driver{a, b}, options: map[string]string{"token": "x", "driver": "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			pairer, err := registry(t, tc.drivers...).Pairer(tc.options)
			if tc.want == "" {
				if !errors.Is(err, volume.ErrNoPairer) {
					t.Errorf("err = %v, want ErrNoPairer", err)
				}
				return
			}
			if err != nil || pairer.Name() != tc.want {
				t.Errorf("Pairer = %v, %v, want %s", pairer, err, tc.want)
			}
		})
	}
}

func TestAsMover(t *testing.T) {
	if _, err := volume.AsMover(&fake.Driver{}); err != nil {
		t.Errorf("of a driver that moves: %v", err)
	}
	_, err := volume.AsMover(plain{"plain"})
	if unsupported, ok := errors.AsType[*volume.UnsupportedError](err); !ok || unsupported.Driver != "plain" {
		t.Errorf("of a driver that does not move: %v", err)
	}
}
