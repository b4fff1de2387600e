package portworx

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

// Options of a ClusterPair.
const (
	optionIP             = "ip"
	optionPort           = "port"
	optionToken          = "token"
	optionMode           = "mode"
	optionBackupLocation = "backuplocation"
)

// defaultPort is that of Portworx's API, where another Portworx calls it.
const defaultPort = 9001

// modes are the values of option mode.
var modes = map[string]openstorage.ClusterPairMode_Mode{
	"":                 openstorage.ClusterPairMode_Default,
	"DisasterRecovery": openstorage.ClusterPairMode_DisasterRecovery,
	"OneTimeMigration": openstorage.ClusterPairMode_OneTimeMigration,
}

// Pairs tells whether there is a token, and no other driver is named.
func (*Driver) Pairs(options map[string]string) bool {
	_, hasToken := options[optionToken]
	driver := options[volume.OptionDriver]
	return hasToken && (driver == "" || driver == name)
}

// Pair has Portworx pair with the Portworx that the options name. To do so again changes nothing there.
func (d *Driver) Pair(ctx context.Context, pair *storkv1alpha1.ClusterPair) (volume.Pairing, error) {
	request, err := d.pairRequest(ctx, pair)
	if err != nil {
		return volume.Pairing{}, err
	}
	created, err := invoke(ctx, d, roleAdmin, openstorage.NewOpenStorageClusterPairClient,
		openstorage.OpenStorageClusterPairClient.Create, &openstorage.SdkClusterPairCreateRequest{Request: request})
	if err != nil {
		return volume.Pairing{}, d.explainPair(request, err)
	}
	id := created.GetResult().GetRemoteClusterId()
	if id == "" {
		return volume.Pairing{}, errors.New("pairing storage: Portworx did not tell the ID of the other cluster")
	}
	return volume.Pairing{RemoteID: id, Done: true}, d.checkMode(ctx, id, request.GetMode())
}

// pairRequest makes the request out of the options. Errors name an option, never its value.
func (d *Driver) pairRequest(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*openstorage.ClusterPairCreateRequest, error) {
	options := pair.Spec.Options
	request := &openstorage.ClusterPairCreateRequest{
		RemoteClusterIp: options[optionIP], RemoteClusterPort: defaultPort, RemoteClusterToken: options[optionToken],
	}
	if request.RemoteClusterIp == "" {
		return nil, fmt.Errorf("option %s is missing: write the address of a node of the other Portworx", optionIP)
	}
	if request.RemoteClusterToken == "" {
		return nil, fmt.Errorf("option %s is empty: write what pxctl cluster token show prints at the other Portworx", optionToken)
	}
	if text := options[optionPort]; text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("option %s is no port: write a number from 1 to 65535, for example %d", optionPort, defaultPort)
		}
		request.RemoteClusterPort = uint32(port)
	}
	mode, known := modes[options[optionMode]]
	if !known {
		return nil, fmt.Errorf("option %s is unknown to Portworx: write DisasterRecovery or OneTimeMigration, or leave it out", optionMode)
	}
	request.Mode = mode
	if location := options[optionBackupLocation]; location != "" {
		request.CredentialId = "k8s/" + pair.Namespace + "/" + location
		return request, d.checkBackupLocation(ctx, types.NamespacedName{Namespace: pair.Namespace, Name: location})
	}
	return request, nil
}

// checkBackupLocation fails where Portworx, which reads the BackupLocation by itself, could not copy through it.
func (d *Driver) checkBackupLocation(ctx context.Context, key types.NamespacedName) error {
	location := &storkv1alpha1.BackupLocation{}
	err := d.reader.Get(ctx, key, location)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("option %s: the BackupLocation does not exist in namespace %s", optionBackupLocation, key.Namespace)
	case err != nil:
		return fmt.Errorf("option %s: reading the BackupLocation in namespace %s: %w", optionBackupLocation, key.Namespace, err)
	case location.Location.Type == storkv1alpha1.BackupLocationNFS:
		return fmt.Errorf("option %s: Portworx does not copy through BackupLocations of type nfs: name one of type s3, azure or google", optionBackupLocation)
	}
	return nil
}

// explainPair says why two clusters were not paired, without what the options hold.
func (d *Driver) explainPair(request *openstorage.ClusterPairCreateRequest, err error) error {
	answer, isAnswer := status.FromError(err)
	if !isAnswer {
		return d.explain("pairing storage", err)
	}
	hidden := strings.NewReplacer(
		request.GetRemoteClusterToken(), "(option token)", request.GetRemoteClusterIp(), "(option ip)",
	).Replace(answer.Message())
	if strings.Contains(hidden, "Token mismatch") || strings.Contains(hidden, "Invalid token") {
		return fmt.Errorf("pairing storage: %w: %s: put what pxctl cluster token show prints at the other Portworx into option %s; where the "+
			"clusters are paired by an older token, delete all ClusterPairs to that Portworx first", volume.ErrPermission, hidden, optionToken)
	}
	return d.explain("pairing storage", status.Error(answer.Code(), hidden))
}

// checkMode fails where the clusters were paired in another mode before: Portworx keeps to that in silence. It does not remember a mode
// in all its versions.
func (d *Driver) checkMode(ctx context.Context, id string, wanted openstorage.ClusterPairMode_Mode) error {
	if wanted == openstorage.ClusterPairMode_Default {
		return nil
	}
	found, err := invoke(ctx, d, roleAdmin, openstorage.NewOpenStorageClusterPairClient,
		openstorage.OpenStorageClusterPairClient.Inspect, &openstorage.SdkClusterPairInspectRequest{Id: id})
	if err != nil {
		return d.explain("looking at the pair of storage", err)
	}
	mode := found.GetResult().GetPairInfo().GetMode()
	if mode == wanted || mode == openstorage.ClusterPairMode_Default {
		return nil
	}
	return fmt.Errorf("storage is paired with Portworx %s in mode %s already, which Portworx does not change: write that mode, or delete all "+
		"ClusterPairs to that Portworx and create them anew", id, mode)
}

// Unpair has Portworx forget the other one. Where there is no Portworx in this cluster any more, nothing is left to forget.
func (d *Driver) Unpair(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
	id := pair.Status.RemoteStorageID
	if id == "" {
		return nil
	}
	_, err := invoke(ctx, d, roleAdmin, openstorage.NewOpenStorageClusterPairClient,
		openstorage.OpenStorageClusterPairClient.Delete, &openstorage.SdkClusterPairDeleteRequest{ClusterId: id})
	if err == nil || isNotFound(err) || errors.Is(err, errNotInstalled) {
		return nil
	}
	return d.explain("unpairing storage from Portworx "+id, err)
}
