package portworx

import (
	"testing"

	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/conformance"
)

func TestDriverKeepsThePromisesOfDrivers(t *testing.T) {
	conformance.Test(t, func(t *testing.T) conformance.Subject {
		t.Helper()
		b := newBench(t, nil)
		run := b.run(b.paired(), "one", "two", "three")
		fresh := newPair(nil) // Of the same storage, as several pairs may be.
		fresh.Status.RemoteStorageID = remoteID
		return conformance.Subject{
			Driver: b.driver, Owned: run.Volumes[0].Binding, Foreign: volume.Binding{Volume: foreignVolume()},
			Pair: fresh, Run: run, Advance: b.source.Advance,
		}
	})
}
