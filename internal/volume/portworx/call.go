package portworx

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/godwit-io/godwit/internal/volume"
)

// callTimeout bounds one call. Portworx answers from its database, and when it pairs, after it has called the other cluster.
const callTimeout = 30 * time.Second

// call is a method of a client, for example openstorage.OpenStorageMigrateClient.Start.
type call[Client, Request, Answer any] func(Client, context.Context, *Request, ...grpc.CallOption) (*Answer, error)

// invoke makes one call in a role. Its error is that of gRPC, from which status.FromError gets the code, unless Portworx was not found.
func invoke[Client, Request, Answer any](
	ctx context.Context, d *Driver, role string,
	newClient func(grpc.ClientConnInterface) Client, method call[Client, Request, Answer], request *Request,
) (*Answer, error) {
	conn, err := d.connection.get(ctx)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := method(newClient(conn), limited, request, logOn(d.config, d.clock, role)...)
	switch {
	case err != nil && limited.Err() != nil && ctx.Err() == nil:
		d.connection.drop(conn)
	case status.Code(err) == codes.Unavailable:
		d.connection.doubt()
	}
	return answer, err
}

// explain says what failed in words for people, and wraps what callers tell apart.
func (d *Driver) explain(doing string, err error) error {
	answer, isAnswer := status.FromError(err)
	if !isAnswer {
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch answer.Code() {
	case codes.Canceled:
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	case codes.Unavailable, codes.DeadlineExceeded:
		return fmt.Errorf("%s: Portworx (%s) is %w: %s", doing, d.config.describe(), volume.ErrUnreachable, answer.Message())
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("%s: %w: Portworx refused the operator's token: %s: set PX_SHARED_SECRET and PX_JWT_ISSUER in the environment of the "+
			"operator to what Portworx trusts", doing, volume.ErrPermission, answer.Message())
	default:
		return fmt.Errorf("%s: Portworx answered: %s", doing, answer.Message())
	}
}

// passes tells whether a call that failed may succeed later, unchanged.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.Aborted:
		return true
	case codes.Unauthenticated, codes.PermissionDenied:
		return true // Once the operator's token is put right: it says nothing of the volume.
	default:
		_, isAnswer := status.FromError(err)
		return !isAnswer
	}
}

// isNotFound tells whether Portworx says that something is not there. It says so in words rather than by a code.
func isNotFound(err error) bool {
	answer, isAnswer := status.FromError(err)
	if !isAnswer {
		return false
	}
	switch answer.Code() {
	case codes.NotFound:
		return true
	case codes.Internal, codes.Unknown:
		return strings.Contains(strings.ToLower(answer.Message()), "not found")
	default:
		return false
	}
}

// describe says where Portworx is looked for.
func (c Config) describe() string {
	where := c.Endpoint
	if where == "" {
		where = "Service " + c.Service.String()
	}
	if c.TLS {
		return where + ", with TLS"
	}
	return where + ", without TLS"
}
