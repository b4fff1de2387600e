package localcluster

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
)

func TestFreePortsAreDifferentAndFree(t *testing.T) {
	ports, err := freePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if len(slices.Compact(slices.Clone(ports))) != 50 {
		t.Errorf("a port comes twice in %v", ports)
	}
	listener, err := net.Listen("tcp", address(ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
}

func TestOnFreePortsTriesOthersOnlyWhenThePortWasTaken(t *testing.T) {
	otherErr := errors.New("other")
	tests := map[string]struct {
		results   []error
		wantTries int
		wantErr   error
	}{
		"success at once":         {results: []error{nil}, wantTries: 1},
		"success after a race":    {results: []error{fmt.Errorf("x: %w", errPortBusy), nil}, wantTries: 2},
		"another error is final":  {results: []error{otherErr}, wantTries: 1, wantErr: otherErr},
		"races do not go forever": {results: slices.Repeat([]error{errPortBusy}, portAttempts), wantTries: portAttempts, wantErr: errPortBusy},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tries := 0
			err := onFreePorts(1, func([]int) error {
				tries++
				return test.results[tries-1]
			})
			if tries != test.wantTries || !errors.Is(err, test.wantErr) {
				t.Errorf("got %d tries and error %v, want %d and %v", tries, err, test.wantTries, test.wantErr)
			}
		})
	}
}

func TestServiceNetworksDiffer(t *testing.T) {
	seen := map[string]bool{}
	_, all, err := net.ParseCIDR("10.96.0.0/11")
	if err != nil {
		t.Fatal(err)
	}
	for range serviceNetworks {
		network := nextServiceNetwork()
		if seen[network.String()] || !all.Contains(network.IP) {
			t.Errorf("%s was used before or lies outside of %s", network, all)
		}
		seen[network.String()] = true
		if ip := firstIP(network); !network.Contains(ip) || ip.To4()[3] != 1 {
			t.Errorf("%s is not the first address of %s", ip, network)
		}
	}
}
