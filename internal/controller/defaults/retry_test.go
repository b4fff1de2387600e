package defaults

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/godwit-io/godwit/hack/localgodwit"
)

// refusing is an API server that refuses so many writes of a kind: creations, or the publication by server-side apply.
func refusing(creations, applications int) client.Client {
	refused := errors.New("the webhook does not answer yet")
	return fake.NewClientBuilder().WithScheme(localgodwit.Scheme()).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if creations--; creations >= 0 {
				return refused
			}
			return c.Create(ctx, object, options...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			if applications--; applications >= 0 {
				return refused
			}
			return c.Apply(ctx, object, options...)
		},
	}).Build()
}

func TestInstallerTriesAgainUntilAllIsThere(t *testing.T) {
	for name, c := range map[string]client.Client{
		"when registrations are refused": refusing(3, 0),
		"when the ConfigMap is refused":  refusing(0, 2),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				if err := (&Installer{Client: c, AdminNamespace: "movers"}).Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				if time.Since(began) < retryDelay.Duration {
					t.Error("it did not pause between its attempts")
				}
				published := &corev1.ConfigMap{}
				if err := c.Get(t.Context(), types.NamespacedName{Namespace: configMapNamespace, Name: configMapName}, published); err != nil {
					t.Fatal(err)
				}
				if got := published.Data[keyAdminNamespace]; got != "movers" {
					t.Errorf("the admin namespace is published as %q", got)
				}
			})
		})
	}
}

func TestInstallerEndsWithTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := (&Installer{Client: refusing(1<<30, 0)}).Start(ctx); err != nil {
			t.Errorf("an end before all is there is the error %v, which would end the operator as failed", err)
		}
	})
}
