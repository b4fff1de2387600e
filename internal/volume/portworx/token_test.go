package portworx

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/godwit-io/godwit/internal/volume"
)

const (
	issuer = "stork.openstorage.org"
	secret = "shared-with-portworx"
)

func withSecret(of string) func(*Config) {
	return func(config *Config) { config.SharedSecret = of }
}

func TestTokenSaysWhatPortworxWantsToKnow(t *testing.T) {
	b := newBench(t, withSecret(secret))
	headers, err := (&bearer{config: b.driver.config, clock: b.clock, role: roleUser}).GetRequestMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, isBearer := strings.CutPrefix(headers["authorization"], "bearer ")
	if !isBearer || len(headers) != 1 {
		t.Fatalf("headers = %v", headers)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.NewParser(jwt.WithTimeFunc(b.clock.Now), jwt.WithValidMethods([]string{"HS256"})).ParseWithClaims(raw, claims,
		func(*jwt.Token) (any, error) { return []byte(secret), nil })
	if err != nil {
		t.Fatal(err)
	}
	want := jwt.MapClaims{
		"iss": issuer, "sub": issuer + ".godwit-0", "name": "Godwit", "email": "", "roles": []any{"system.user"}, "groups": []any{"*"},
		"iat": float64(b.clock.Now().Add(-time.Minute).Unix()), "exp": float64(b.clock.Now().Add(time.Hour).Unix()),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
}

func TestLogOn(t *testing.T) {
	b := newBench(t, withSecret(secret))
	b.source.Trust(issuer, secret)
	run := b.run(b.paired(), "orders")
	b.want(b.start(run), inProgress)
	b.clock.Step(100 * tokenLifetime) // Tokens are as long as calls.
	b.want(b.finish(run), successful)
}

func TestPortworxThatDoesNotLetTheOperatorIn(t *testing.T) {
	for name, tc := range map[string]struct {
		configure func(*Config)
		ahead     time.Duration
		words     string
	}{
		"without a token":         {configure: nil, words: "without authentication token"},
		"with another secret":     {configure: withSecret("guessed"), words: "Unable to authenticate token"},
		"with an expired token":   {configure: withSecret(secret), ahead: 2 * tokenLifetime, words: "Unable to authenticate token"},
		"with a token too early":  {configure: withSecret(secret), ahead: -2 * tokenBackdate, words: "Unable to authenticate token"},
		"with an unknown issuer":  {configure: func(c *Config) { c.SharedSecret, c.Issuer = secret, "apps.portworx.io" }, words: "is not a trusted issuer"},
		"with a clock that is on": {configure: withSecret(secret), ahead: -tokenBackdate / 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			pair := b.paired()
			run := b.run(pair, "orders")
			b.source.Trust(issuer, secret)
			b.source.Clock = newClock(b.clock.Now().Add(tc.ahead))
			b.driver = b.newDriver(tc.configure)
			for call, err := range map[string]error{
				"Pair":   errorOf(b.driver.Pair(t.Context(), newPair(nil))),
				"Start":  errorOf(b.driver.Start(t.Context(), run)),
				"Unpair": b.driver.Unpair(t.Context(), pair),
			} {
				if tc.words == "" {
					if err != nil {
						t.Errorf("%s: %v", call, err)
					}
					continue
				}
				if !errors.Is(err, volume.ErrPermission) {
					t.Errorf("%s: err = %v, want ErrPermission", call, err)
					continue
				}
				mention(t, err.Error(), tc.words, "PX_SHARED_SECRET")
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q holds the secret", err)
				}
			}
		})
	}
}

func TestOnlyPairingIsDoneAsAdministrator(t *testing.T) {
	b := newBench(t, withSecret(secret))
	b.source.Trust(issuer, secret)
	roles := map[string]string{}
	b.source.Observe(func(method string, held []string) { roles[method] = strings.Join(held, ",") })
	pair := b.paired()
	run := b.run(pair, "orders")
	b.start(run)
	if err := errors.Join(b.driver.Cancel(t.Context(), run), b.driver.Unpair(t.Context(), pair)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"OpenStorageClusterPair/Create": roleAdmin, "OpenStorageClusterPair/Inspect": roleAdmin, "OpenStorageClusterPair/Delete": roleAdmin,
		"OpenStorageMigrate/Start": roleUser, "OpenStorageMigrate/Status": roleUser, "OpenStorageMigrate/Cancel": roleUser,
	}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
}
