//go:build linux

// Command csidriver is a CSI driver for a cluster of one node: volumes are folders, or files behind loop devices where a claim wants a
// block device, and snapshots are copies of them. It registers itself at the kubelet.
//
// It is for tests: data are as safe as the folder that it is given, and a volume may become larger than its claim says.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	d := &driver{}
	flag.StringVar(&d.name, "name", "", "name of the driver, as in StorageClasses")
	flag.StringVar(&d.node, "node", "", "name of the node")
	flag.StringVar(&d.folder, "folder", "", "where volumes and snapshots are kept")
	socket := flag.String("socket", "", "where it listens for calls")
	kubelet := flag.String("kubelet", "", "the root folder of the kubelet")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, d, *socket, filepath.Join(*kubelet, "plugins_registry", d.name+".sock"))
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "csidriver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, d *driver, socket, registrationSocket string) error {
	if err := d.makeFolders(); err != nil {
		return err
	}
	driverServer, registrationServer := grpc.NewServer(), grpc.NewServer()
	csi.RegisterIdentityServer(driverServer, d)
	csi.RegisterControllerServer(driverServer, d)
	csi.RegisterNodeServer(driverServer, d)
	registration.RegisterRegistrationServer(registrationServer, &registrar{driver: d.name, socket: socket})
	driverListener, err := listen(ctx, socket)
	if err != nil {
		return err
	}
	// The second one, because the kubelet calls the driver as soon as it finds this.
	registrationListener, err := listen(ctx, registrationSocket)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return driverServer.Serve(driverListener) })
	group.Go(func() error { return registrationServer.Serve(registrationListener) })
	group.Go(func() error {
		<-ctx.Done()
		registrationServer.Stop()
		driverServer.Stop()
		return nil
	})
	return group.Wait()
}

// listen takes the place of a socket that a killed process left.
func listen(ctx context.Context, socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(socket); err != nil {
		return nil, err
	}
	return (&net.ListenConfig{}).Listen(ctx, "unix", socket)
}

// registrar tells the kubelet of the driver.
type registrar struct {
	registration.UnimplementedRegistrationServer

	driver, socket string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: r.driver, Endpoint: r.socket, SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (r *registrar) NotifyRegistrationStatus(
	_ context.Context, status *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	fmt.Printf("registered at the kubelet: %t %s\n", status.PluginRegistered, status.Error)
	return &registration.RegistrationStatusResponse{}, nil
}
