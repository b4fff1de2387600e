package standin

import (
	"context"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// intercept notes a call, and lets those through who may make it.
func (c *Cluster) intercept(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	method := strings.TrimPrefix(info.FullMethod, "/openstorage.api.")
	if err := c.admit(ctx, method, request); err != nil {
		return nil, err
	}
	return handle(ctx, request)
}

func (c *Cluster) admit(ctx context.Context, method string, request any) error {
	defer c.lock()()
	c.calls = append(c.calls, method)
	if err := c.authorize(ctx, method); err != nil {
		return err
	}
	if c.fault != nil {
		return c.fault(method, request)
	}
	return nil
}

func (c *Cluster) authorize(ctx context.Context, method string) error {
	if len(c.issuers) == 0 {
		return nil
	}
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return status.Error(codes.PermissionDenied, "Access denied without authentication token")
	}
	raw, isBearer := strings.CutPrefix(values[0], "bearer ")
	if !isBearer {
		return status.Error(codes.Unauthenticated, "Invalid or missing authentication token")
	}
	roles, err := c.authenticate(raw)
	if err != nil {
		return err
	}
	if c.observer != nil {
		c.observer(method, roles)
	}
	if slices.Contains(roles, "system.admin") ||
		slices.Contains(roles, "system.user") && strings.HasPrefix(method, "OpenStorageMigrate/") {
		return nil
	}
	return status.Errorf(codes.PermissionDenied, "Access to /openstorage.api.%s denied: no role of the user allows it", method)
}

// authenticate returns the roles that a token gives.
func (c *Cluster) authenticate(raw string) ([]string, error) {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(raw, claims); err != nil {
		return nil, status.Error(codes.Unauthenticated, "Unable to obtain token issuer from authorization token")
	}
	issuer, _ := claims.GetIssuer()
	secret, trusted := c.issuers[issuer]
	if !trusted {
		return nil, status.Errorf(codes.Unauthenticated, "%s is not a trusted issuer", issuer)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(c.Clock.Now), jwt.WithIssuedAt())
	_, err := parser.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil })
	for _, needed := range []string{"iss", "sub", "exp", "iat", "name", "email"} {
		if _, there := claims[needed]; err != nil || !there {
			return nil, status.Error(codes.PermissionDenied, "Unable to authenticate token")
		}
	}
	var roles []string
	values, _ := claims["roles"].([]any)
	for _, value := range values {
		if role, ok := value.(string); ok {
			roles = append(roles, role)
		}
	}
	return roles, nil
}
