package standin

import (
	"context"
	"net"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

type pairServer struct {
	openstorage.UnimplementedOpenStorageClusterPairServer

	cluster *Cluster
}

func (s *pairServer) Create(
	_ context.Context, request *openstorage.SdkClusterPairCreateRequest,
) (*openstorage.SdkClusterPairCreateResponse, error) {
	c, wanted := s.cluster, request.GetRequest()
	defer c.lock()()
	if wanted == nil {
		return nil, status.Error(codes.InvalidArgument, "Must supply valid request")
	}
	refuse := func(why string) error {
		return status.Errorf(codes.Internal, "Cannot create cluster with remote pair %s : %s", wanted.GetRemoteClusterIp(), why)
	}
	endpoint := net.JoinHostPort(wanted.GetRemoteClusterIp(), strconv.FormatUint(uint64(wanted.GetRemoteClusterPort()), 10))
	remote, reachable := c.network.clusters[endpoint]
	switch {
	case !reachable:
		return nil, refuse("Error from remote cluster: dial tcp " + endpoint + ": connect: connection refused")
	case remote == c:
		return nil, refuse("Error from remote cluster: Cannot create cluster pair with self")
	case remote.pairToken != wanted.GetRemoteClusterToken():
		return nil, refuse("Error from remote cluster: Token mismatch during pairing")
	}
	switch known, paired := c.pairs[remote.ID]; {
	case !paired:
		c.pairs[remote.ID] = &openstorage.ClusterPairInfo{
			Id: remote.ID, Name: remote.Name, Endpoint: endpoint, Token: wanted.GetRemoteClusterToken(), Mode: wanted.GetMode(),
			Options: map[string]string{"CredName": wanted.GetCredentialId()},
		}
	case known.GetToken() != wanted.GetRemoteClusterToken():
		return nil, refuse("Invalid token for already paired cluster " + remote.ID)
	}
	return &openstorage.SdkClusterPairCreateResponse{Result: &openstorage.ClusterPairCreateResponse{
		RemoteClusterId: remote.ID, RemoteClusterName: remote.Name,
	}}, nil
}

func (s *pairServer) Inspect(
	_ context.Context, request *openstorage.SdkClusterPairInspectRequest,
) (*openstorage.SdkClusterPairInspectResponse, error) {
	c := s.cluster
	defer c.lock()()
	info, paired := c.pairs[request.GetId()]
	if !paired {
		return nil, status.Errorf(codes.Internal, "Cannot Get cluster information for %[1]s : Cluster pair for id %[1]s not found", request.GetId())
	}
	return &openstorage.SdkClusterPairInspectResponse{
		Result: &openstorage.ClusterPairGetResponse{PairInfo: proto.CloneOf(info)},
	}, nil
}

func (s *pairServer) GetToken(
	context.Context, *openstorage.SdkClusterPairGetTokenRequest,
) (*openstorage.SdkClusterPairGetTokenResponse, error) {
	defer s.cluster.lock()()
	return &openstorage.SdkClusterPairGetTokenResponse{
		Result: &openstorage.ClusterPairTokenGetResponse{Token: s.cluster.pairToken},
	}, nil
}

func (s *pairServer) Delete(
	_ context.Context, request *openstorage.SdkClusterPairDeleteRequest,
) (*openstorage.SdkClusterPairDeleteResponse, error) {
	c, id := s.cluster, request.GetClusterId()
	defer c.lock()()
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "Must supply valid cluster ID")
	}
	if _, paired := c.pairs[id]; !paired {
		return nil, status.Errorf(codes.Internal, "Cannot delete the cluster pair %s : Key not found", id)
	}
	delete(c.pairs, id)
	return &openstorage.SdkClusterPairDeleteResponse{}, nil
}
