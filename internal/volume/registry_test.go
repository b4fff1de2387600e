package volume_test

import (
	"errors"
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

func TestOwner(t *testing.T) {
	csi := func(driver string) *corev1.PersistentVolume {
		return &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: driver},
		}}}
	}
	class := &storagev1.StorageClass{Provisioner: fake.Provisioner}
	for name, tc := range map[string]struct {
		drivers []volume.Driver
		binding volume.Binding
		want    string
	}{
		"finds nobody without drivers":                   {binding: volume.Binding{Volume: csi(fake.Provisioner)}},
		"finds nobody for a foreign volume":              {drivers: []volume.Driver{&fake.Driver{}}, binding: volume.Binding{Volume: csi("other"), Class: class}},
		"finds the owner by the volume":                  {drivers: []volume.Driver{&fake.Driver{}}, binding: volume.Binding{Volume: csi(fake.Provisioner)}, want: "fake"},
		"finds the owner by the class before binding":    {drivers: []volume.Driver{&fake.Driver{}}, binding: volume.Binding{Class: class}, want: "fake"},
		"asks in the order of registration":              {drivers: []volume.Driver{&fake.Driver{}, plain{"all"}}, binding: volume.Binding{Class: class}, want: "fake"},
		"asks the next one where the first does not own": {drivers: []volume.Driver{&fake.Driver{}, plain{"all"}}, want: "all"},
	} {
		t.Run(name, func(t *testing.T) {
			driver, found := registry(t, tc.drivers...).Owner(tc.binding)
			if found != (tc.want != "") || found && driver.Name() != tc.want {
				t.Errorf("Owner = %v, %v, want %q", driver, found, tc.want)
			}
		})
	}
}

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
