package localcluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

const (
	loopback = "127.0.0.1"

	// The ports lie below the kernel's range for outgoing connections. In that range a client could take the port of
	// an API server that is down for a moment, even by connecting to itself.
	firstPort, lastPort = 20000, 29999

	// portAttempts is how often a program may lose the race for its port.
	portAttempts = 5
)

// onFreePorts calls start with n ports, and again with others when they turned out to be taken. Nothing can reserve
// a port for a program that binds it itself.
func onFreePorts(n int, start func(ports []int) error) error {
	for attempt := 1; ; attempt++ {
		ports, err := freePorts(n)
		if err != nil {
			return err
		}
		if err := start(ports); !errors.Is(err, errPortBusy) || attempt == portAttempts {
			return err
		}
	}
}

// freePorts returns n different ports of the loopback interface that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	var lastErr error
	for range 100 * n {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.Listen("tcp", address(port))
		if err != nil {
			lastErr = err
			continue
		}
		// Held until the end, so that no port comes up twice.
		defer func() { _ = listener.Close() }()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("finding a free port from %d to %d: %w", firstPort, lastPort, lastErr)
}

func address(port int) string {
	return net.JoinHostPort(loopback, strconv.Itoa(port))
}

// The service networks are 10.96.0.0/16 to 10.127.0.0/16.
const firstServiceNetwork, serviceNetworks = 96, 32

var startedClusters atomic.Uint32

// nextServiceNetwork returns a network that differs from those of the previous 31 clusters of this process, and
// probably from those of other processes: the first one depends on the process id.
func nextServiceNetwork() *net.IPNet {
	index := (uint32(os.Getpid()) + startedClusters.Add(1)) % serviceNetworks
	return &net.IPNet{IP: net.IPv4(10, byte(firstServiceNetwork+index), 0, 0).To4(), Mask: net.CIDRMask(16, 32)}
}

// firstIP returns the address that the API server gives the Service "kubernetes".
func firstIP(network *net.IPNet) net.IP {
	ip := network.IP.To4()
	return net.IPv4(ip[0], ip[1], ip[2], ip[3]+1)
}
