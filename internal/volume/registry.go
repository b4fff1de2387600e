package volume

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// ErrNoPairer means that options ask for storage to be paired, and that no registered driver is able to.
var ErrNoPairer = errors.New("no storage driver is registered that can pair with these options: " +
	"remove the key token from options to migrate objects only")

// UnsupportedError means that a driver owns a volume but lacks an ability that is needed.
type UnsupportedError struct {
	// Driver is its name.
	Driver string
	// Ability is what it cannot do, for example "move volumes".
	Ability string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("storage driver %s cannot %s", e.Driver, e.Ability)
}

// Registry knows the drivers, in the order in which they were registered: the first one that claims a volume or options gets
// them. The zero value has none. All drivers are registered before it is used.
type Registry struct {
	drivers []Driver
}

// Register adds a driver. It refuses a name that is taken or is no DNS label.
func (r *Registry) Register(driver Driver) error {
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
			return driver, true
		}
	}
	return nil, false
}

// Owner returns the driver that is responsible for a volume, false if none is.
func (r *Registry) Owner(binding Binding) (Driver, bool) {
	for _, driver := range r.drivers {
		if driver.Owns(binding) {
			return driver, true
		}
	}
	return nil, false
}

// Pairer returns the driver that options of a ClusterPair are addressed to, or ErrNoPairer.
func (r *Registry) Pairer(options map[string]string) (Pairer, error) {
	for _, driver := range r.drivers {
		if pairer, ok := driver.(Pairer); ok && pairer.Pairs(options) {
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
