package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/godwit-io/godwit/hack/localcluster"
)

const (
	// shortOutage is what retries of single requests bridge or not, longOutage is longer than all of them.
	shortOutage, longOutage = 8 * time.Second, 60 * time.Second
	// cutEvery is the time between two cuts while connections are cut.
	cutEvery = 2 * time.Second
	// startTimeout is how long an API server may take to be back.
	startTimeout = 2 * time.Minute
)

// side is a cluster and the way on which the operator reaches it.
type side struct {
	name    string
	cluster *localcluster.Cluster
	proxy   *proxy
}

// fault is something that goes wrong for a while and is well again when strike returns.
type fault struct {
	name   string
	strike func(context.Context) error
}

// faultsOf lists what can go wrong at a side.
func faultsOf(s side) []fault {
	return []fault{
		{s.name + ": connections cut", s.cutConnections},
		{s.name + ": API server restarted", func(ctx context.Context) error { return s.restart(ctx, shortOutage) }},
		{s.name + ": API server halted", func(ctx context.Context) error { return s.halt(ctx, shortOutage) }},
		{s.name + ": API server killed", func(ctx context.Context) error { return s.kill(ctx, shortOutage) }},
		{s.name + ": API server halted for long", func(ctx context.Context) error { return s.halt(ctx, longOutage) }},
		{s.name + ": API server gone for long", func(ctx context.Context) error { return s.restart(ctx, longOutage) }},
	}
}

// interleave has the faults of several sides take turns, with a quiet round in front.
func interleave(sides ...side) []fault {
	all := []fault{{"nothing", func(context.Context) error { return nil }}}
	for i := range faultsOf(sides[0]) {
		for _, s := range sides {
			all = append(all, faultsOf(s)[i])
		}
	}
	return all
}

func (s side) cutConnections(ctx context.Context) error {
	for end := time.Now().Add(shortOutage); time.Now().Before(end); {
		if err := errors.Join(s.proxy.cut(), pause(ctx, cutEvery/2+rand.N(cutEvery))); err != nil {
			return err
		}
	}
	return nil
}

func (s side) restart(ctx context.Context, outage time.Duration) error {
	if err := s.cluster.StopProcess(localcluster.APIServer); err != nil {
		return err
	}
	return errors.Join(pause(ctx, outage), s.launch(ctx))
}

func (s side) kill(ctx context.Context, outage time.Duration) error {
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	return errors.Join(pause(ctx, outage), s.launch(ctx))
}

func (s side) halt(ctx context.Context, outage time.Duration) error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return errors.Join(pause(ctx, outage), s.signal(syscall.SIGCONT))
}

func (s side) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s.cluster.StartProcess(ctx, localcluster.APIServer)
}

func (s side) signal(signal syscall.Signal) error {
	pid := s.cluster.Processes()[localcluster.APIServer]
	if pid == 0 {
		return fmt.Errorf("the API server of %s does not run", s.name)
	}
	return syscall.Kill(pid, signal)
}

// pause waits.
func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
