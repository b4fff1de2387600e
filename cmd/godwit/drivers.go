package main

import (
	"context"
	"os"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx"
)

// newDrivers returns the storage drivers, which end with the manager.
func newDrivers(mgr ctrl.Manager, clock clock.Clock) (*volume.Registry, error) {
	config, err := portworx.ConfigFrom(os.Getenv)
	if err != nil {
		return nil, err
	}
	px := portworx.New(config, mgr.GetAPIReader(), clock)
	closing := func(ctx context.Context) error {
		<-ctx.Done()
		return px.Close()
	}
	if err := mgr.Add(manager.RunnableFunc(closing)); err != nil {
		return nil, err
	}
	drivers := &volume.Registry{}
	return drivers, drivers.Register(px)
}
