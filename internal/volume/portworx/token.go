package portworx

import (
	"context"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"k8s.io/utils/clock"
)

const (
	// tokenLifetime is much longer than a call takes.
	tokenLifetime = time.Hour
	// tokenBackdate keeps a token from coming from the future where Portworx's clock is behind.
	tokenBackdate = time.Minute
)

// What Portworx lets its users do. Only administrators pair clusters.
const (
	roleAdmin = "system.admin"
	roleUser  = "system.user"
)

// bearer adds a new token to each call.
type bearer struct {
	config Config
	clock  clock.PassiveClock
	role   string
}

var _ credentials.PerRPCCredentials = &bearer{}

// logOn returns how calls log on in a role: not at all without a shared secret.
func logOn(config Config, clock clock.PassiveClock, role string) []grpc.CallOption {
	if config.SharedSecret == "" {
		return nil
	}
	return []grpc.CallOption{grpc.PerRPCCredentials(&bearer{config: config, clock: clock, role: role})}
}

// GetRequestMetadata returns the header with the token.
func (b *bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	now := b.clock.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": b.config.Issuer, "sub": b.config.Issuer + "." + b.config.Subject,
		"iat": now.Add(-tokenBackdate).Unix(), "exp": now.Add(tokenLifetime).Unix(),
		"name": "Godwit", "email": "", // Portworx refuses tokens that lack one of them.
		"roles": []string{b.role}, "groups": []string{"*"}, // Otherwise volumes that have an owner are hidden.
	})
	signed, err := token.SignedString([]byte(b.config.SharedSecret))
	if err != nil {
		return nil, fmt.Errorf("signing a token for Portworx: %w", err)
	}
	return map[string]string{"authorization": "bearer " + signed}, nil
}

// RequireTransportSecurity returns false: whether Portworx has TLS is its administrator's choice.
func (*bearer) RequireTransportSecurity() bool { return false }
