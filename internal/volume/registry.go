package volume

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// OptionDriver is the key of a ClusterPair's options that names the storage driver for volumes to that cluster.
const OptionDriver = "driver"

// Registry knows the drivers, in the order in which they were registered: the first one that claims a volume or options gets
// them. The zero value has none. All drivers are registered before it is used.
type Registry struct {
	drivers []registered
}

type registered struct {
	Driver
	onRequest bool
}

// Register adds a driver. It refuses a name that is taken or is no DNS label.
func (r *Registry) Register(driver Driver) error { return r.register(registered{Driver: driver}) }

// RegisterOnRequest adds a driver that gets only volumes for which it is named, whatever it owns.
func (r *Registry) RegisterOnRequest(driver Driver) error {
	return r.register(registered{Driver: driver, onRequest: true})
}

func (r *Registry) register(driver registered) error {
	name := driver.Name()
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return fmt.Errorf("registering storage driver %q: its name is no DNS label: %s", name, strings.Join(problems, ", "))
	}
	if _, taken := r.Driver(name); taken {
		return fmt.Errorf("registering storage driver %s: a driver of that name is registered already", name)
	}
	r.drivers = append(r.drivers, driver)
	return nil
}

// Driver returns the driver of a name.
func (r *Registry) Driver(name string) (Driver, bool) {
	for _, driver := range r.drivers {
		if driver.Name() == name {
			return driver.Driver, true
		}
	}
	return nil, false
}

// Names returns the names of all drivers, in the order in which they were registered.
func (r *Registry) Names() []string {
	names := make([]string, len(r.drivers))
	for i, driver := range r.drivers {
		names[i] = driver.Name()
	}
	return names
}

// Choose returns the driver that moves a volume: the one that the Migration names for it, or else the ClusterPair (option driver), or
// else the first that owns the volume. Empty names are none. The error says why there is no driver.
func (r *Registry) Choose(binding Binding, wanted, pairs string) (Mover, error) {
	name := cmp.Or(wanted, pairs)
	if name == "" {
		return r.owner(binding)
	}
	driver, known := r.Driver(name)
	if !known {
		return nil, fmt.Errorf("this operator has no storage driver %q, but %s", name, cmp.Or(strings.Join(r.Names(), ", "), "none at all"))
	}
	if !driver.Owns(binding) {
		return nil, fmt.Errorf("storage driver %s cannot be used for the volume: %s", name, describe(binding))
	}
	return AsMover(driver)
}

func (r *Registry) owner(binding Binding) (Mover, error) {
	for _, driver := range r.drivers {
		if !driver.onRequest && driver.Owns(binding) {
			return AsMover(driver.Driver)
		}
	}
	return nil, fmt.Errorf("no storage driver of this operator owns the volume")
}

// describe says what kind of volume it is.
func describe(binding Binding) string {
	switch volume := binding.Volume; {
	case volume == nil && binding.Class == nil:
		return "nothing is known of it"
	case volume == nil:
		return "it is of provisioner " + binding.Class.Provisioner
	case volume.Spec.CSI != nil:
		return "it is of CSI driver " + volume.Spec.CSI.Driver
	default:
		return "PersistentVolume " + volume.Name + " is not of a kind that it handles"
	}
}

// Pairer returns the driver that options of a ClusterPair are addressed to, or ErrNoPairer.
func (r *Registry) Pairer(options map[string]string) (Pairer, error) {
	for _, driver := range r.drivers {
		if pairer, ok := driver.Driver.(Pairer); ok && pairer.Pairs(options) {
			return pairer, nil
		}
	}
	return nil, ErrNoPairer
}

// AsMover returns the driver as a Mover, or an *UnsupportedError.
func AsMover(driver Driver) (Mover, error) {
	if mover, ok := driver.(Mover); ok {
		return mover, nil
	}
	return nil, &UnsupportedError{Driver: driver.Name(), Ability: "move volumes"}
}
