package portworx

import (
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/volume"
)

// name is written into the status of Migrations: it never changes.
const name = "portworx"

// rememberedRuns is how many runs the driver keeps in mind, those that were asked for last.
const rememberedRuns = 1000

var (
	_ volume.Pairer     = &Driver{}
	_ volume.Mover      = &Driver{}
	_ volume.Retargeter = &Driver{}
)

// Driver copies volumes of Portworx.
type Driver struct {
	config     Config
	reader     client.Reader
	clock      clock.Clock
	connection *connection
	memory     *memory
}

// New returns the driver. The reader finds Services, Secrets and BackupLocations of this cluster, and does not cache. Close has to be
// called in the end.
func New(config Config, reader client.Reader, clock clock.Clock) *Driver {
	return &Driver{
		config: config, reader: reader, clock: clock,
		connection: &connection{config: config, reader: reader},
		memory:     &memory{runs: lru.New(rememberedRuns)},
	}
}

// Name returns "portworx".
func (*Driver) Name() string { return name }

// Close ends the connection to Portworx, if there is one. All later calls fail.
func (d *Driver) Close() error { return d.connection.close() }
