package remote

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// connections makes clusters without connections and counts them.
type connections struct {
	mu     sync.Mutex
	made   int
	closed int
}

func (c *connections) connect(credential *Credential, _ Options) (*Cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	return &Cluster{ServerHost: credential.Server, Config: &rest.Config{Transport: closer{c}}, server: &server{id: credential.server}}, nil
}

// closer is a transport that counts how often idle connections were closed.
type closer struct{ *connections }

func (closer) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrNotSupported }

func (c closer) CloseIdleConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
}

func inline(name string, kubeconfig []byte) *storkv1alpha1.ClusterPair {
	return &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: name, UID: types.UID("uid-of-" + name)},
		Spec:       storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: kubeconfig}},
	}
}

func bySecret(ref storkv1alpha1.KubeconfigSecretRef) *storkv1alpha1.ClusterPair {
	pair := inline("pair", nil)
	pair.Spec = storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &ref}
	return pair
}

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "creds"}, Data: data}
}

func TestPool(t *testing.T) {
	newPool := func(objects ...client.Object) (*Pool, *connections, client.Client) {
		c := &connections{}
		secrets := fake.NewClientBuilder().WithObjects(objects...).Build()
		return NewPool(secrets, Options{Connect: c.connect}), c, secrets
	}
	must := func(t *testing.T, pool *Pool, pair *storkv1alpha1.ClusterPair) *Cluster {
		t.Helper()
		cluster, err := pool.Get(t.Context(), pair)
		if err != nil {
			t.Fatal(err)
		}
		return cluster
	}

	t.Run("connects once for a credential", func(t *testing.T) {
		pool, c, _ := newPool()
		first := must(t, pool, inline("a", withUser(nil)))
		if must(t, pool, inline("a", withUser(nil))) != first || c.made != 1 {
			t.Errorf("connected %d times, want once", c.made)
		}
	})
	t.Run("keeps one cluster when many connect at the same time", func(t *testing.T) {
		clusters := make([]*Cluster, 5)
		var connecting sync.WaitGroup
		connecting.Add(len(clusters))
		pool := NewPool(fake.NewClientBuilder().Build(), Options{Connect: func(*Credential, Options) (*Cluster, error) {
			connecting.Done()
			connecting.Wait()
			return &Cluster{server: &server{}}, nil
		}})
		var group sync.WaitGroup
		for i := range clusters {
			group.Go(func() { clusters[i], _ = pool.Get(t.Context(), inline("a", withUser(nil))) })
		}
		group.Wait()
		for _, cluster := range clusters {
			if cluster == nil || cluster != clusters[0] {
				t.Fatal("not all got the same cluster")
			}
		}
	})
	t.Run("connects again when the credential changes", func(t *testing.T) {
		pool, c, _ := newPool()
		first := must(t, pool, inline("a", withUser(nil)))
		if must(t, pool, inline("a", withUser(map[string]any{"token": "new"}))) == first || c.made != 2 || c.closed != 1 {
			t.Errorf("made %d, closed %d, want 2 and 1", c.made, c.closed)
		}
	})
	t.Run("shares the client of pairs with one credential until the last is forgotten", func(t *testing.T) {
		pool, c, _ := newPool()
		if must(t, pool, inline("a", withUser(nil))) != must(t, pool, inline("b", withUser(nil))) || c.made != 1 {
			t.Errorf("made %d, want 1", c.made)
		}
		pool.Forget(types.NamespacedName{Namespace: "web", Name: "a"})
		if c.closed != 0 {
			t.Error("closed although a pair uses it")
		}
		pool.Forget(types.NamespacedName{Namespace: "web", Name: "b"})
		if c.closed != 1 {
			t.Error("not closed although no pair uses it")
		}
	})
	t.Run("keeps a client that another pair uses when the credential of one changes", func(t *testing.T) {
		pool, c, _ := newPool()
		first := must(t, pool, inline("a", withUser(nil)))
		must(t, pool, inline("b", withUser(nil)))
		if must(t, pool, inline("a", withUser(map[string]any{"token": "new"}))) == first || c.made != 2 || c.closed != 0 {
			t.Errorf("made %d, closed %d, want 2 and 0", c.made, c.closed)
		}
	})
	t.Run("forgets and closes", func(t *testing.T) {
		pool, c, _ := newPool()
		must(t, pool, inline("a", withUser(nil)))
		pool.Forget(types.NamespacedName{Namespace: "web", Name: "a"})
		pool.Forget(types.NamespacedName{Namespace: "web", Name: "never-known"})
		if len(pool.entries)+len(pool.clusters) != 0 || c.closed != 1 {
			t.Errorf("%d entries, %d clusters, closed %d, want 0, 0 and 1", len(pool.entries), len(pool.clusters), c.closed)
		}
	})
	t.Run("drops the client when the credential becomes invalid", func(t *testing.T) {
		pool, c, _ := newPool()
		must(t, pool, inline("a", withUser(nil)))
		_, err := pool.Get(t.Context(), inline("a", []byte("{}")))
		if _, ok := errors.AsType[*InvalidError](err); !ok || !strings.HasPrefix(err.Error(), "ClusterPair web/a: ") || c.closed != 1 {
			t.Errorf("err %v, closed %d, want an InvalidError that names the pair, and the connections closed", err, c.closed)
		}
	})
	t.Run("reads the Secret anew", func(t *testing.T) {
		held := secret(map[string][]byte{"kubeconfig": file(fileEntries)})
		pool, c, secrets := newPool(held)
		pair := bySecret(storkv1alpha1.KubeconfigSecretRef{Name: "creds"})
		must(t, pool, pair)
		must(t, pool, pair)
		held.Data["kubeconfig"] = withUser(nil)
		if err := secrets.Update(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		must(t, pool, pair)
		if c.made != 2 {
			t.Errorf("made %d, want 2", c.made)
		}
	})
	t.Run("reads the key that the pair names", func(t *testing.T) {
		pool, _, _ := newPool(secret(map[string][]byte{"value": file(fileEntries)}))
		must(t, pool, bySecret(storkv1alpha1.KubeconfigSecretRef{Name: "creds", Key: "value"}))
	})
	for name, tc := range map[string]struct {
		ref  storkv1alpha1.KubeconfigSecretRef
		want SecretNotFoundError
	}{
		"says that there is no Secret":   {storkv1alpha1.KubeconfigSecretRef{Name: "other"}, SecretNotFoundError{Namespace: "web", Name: "other"}},
		"says that there is no such key": {storkv1alpha1.KubeconfigSecretRef{Name: "creds", Key: "x"}, SecretNotFoundError{Namespace: "web", Name: "creds", Key: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			pool, _, _ := newPool(secret(map[string][]byte{"kubeconfig": file(fileEntries)}))
			_, err := pool.Get(t.Context(), bySecret(tc.ref))
			if missing, ok := errors.AsType[*SecretNotFoundError](err); !ok || *missing != tc.want {
				t.Errorf("err = %v, want %v", err, &tc.want)
			}
		})
	}
	t.Run("passes other errors of reading on", func(t *testing.T) {
		broken := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return context.DeadlineExceeded
			},
		}).Build()
		_, err := NewPool(broken, Options{}).Get(t.Context(), bySecret(storkv1alpha1.KubeconfigSecretRef{Name: "creds"}))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
	})
	for name, change := range map[string]func(*storkv1alpha1.ClusterPairSpec){
		"refuses a pair without a kubeconfig": func(s *storkv1alpha1.ClusterPairSpec) { s.Config = nil },
		"refuses a pair with two": func(s *storkv1alpha1.ClusterPairSpec) {
			s.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: "creds"}
		},
		"refuses a pair with an empty one": func(s *storkv1alpha1.ClusterPairSpec) { s.Config = &runtime.RawExtension{} },
	} {
		t.Run(name, func(t *testing.T) {
			pool, _, _ := newPool()
			pair := inline("a", withUser(nil))
			change(&pair.Spec)
			_, err := pool.Get(t.Context(), pair)
			if _, ok := errors.AsType[*InvalidError](err); !ok {
				t.Errorf("err = %v, want an InvalidError", err)
			}
		})
	}
}

func TestForgottenPairsLeaveNothingBehind(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	kubeconfig := with(func(_, cluster, _ map[string]any) {
		cluster["server"], cluster["certificate-authority-data"] = server.URL, authority
	})
	before := goleak.IgnoreCurrent()
	pool := NewPool(fake.NewClientBuilder().Build(), Options{})
	cluster, err := pool.Get(t.Context(), inline("a", kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Probe(t.Context(), wanted); err == nil {
		t.Fatal("the probe of a web server succeeded")
	}
	if goleak.Find(before) == nil {
		t.Error("there is no connection that could stay")
	}
	pool.Forget(types.NamespacedName{Namespace: "web", Name: "a"})
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

func TestPoolKnowsSecretsByTheirVersion(t *testing.T) {
	held := secret(map[string][]byte{"kubeconfig": file(fileEntries), "other": withUser(nil)})
	reads := 0
	secrets := fake.NewClientBuilder().WithObjects(held).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if _, whole := object.(*corev1.Secret); whole {
				reads++
			}
			return c.Get(ctx, key, object, options...)
		},
	}).Build()
	c := &connections{}
	pool := NewPool(secrets, Options{Connect: c.connect, SecretVersions: secrets})
	ref := storkv1alpha1.KubeconfigSecretRef{Name: "creds"}
	expect := func(when string, wantReads, wantMade int) {
		t.Helper()
		if _, err := pool.Get(t.Context(), bySecret(ref)); err != nil {
			t.Fatal(err)
		}
		if reads != wantReads || c.made != wantMade {
			t.Errorf("%s: read %d times and connected %d times, want %d and %d", when, reads, c.made, wantReads, wantMade)
		}
	}
	expect("at first", 1, 1)
	expect("unchanged", 1, 1)
	ref.Key = "other"
	expect("with another key", 2, 2)
	held.Labels = map[string]string{"changed": "true"}
	if err := secrets.Update(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	expect("changed beside the credential", 3, 2)
	pool.Forget(client.ObjectKeyFromObject(bySecret(ref)))
	expect("after the pair was forgotten", 4, 3)
	if err := secrets.Delete(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	_, err := pool.Get(t.Context(), bySecret(ref))
	if _, ok := errors.AsType[*SecretNotFoundError](err); !ok {
		t.Errorf("without the Secret: err = %v", err)
	}
}

func TestPoolIsNotBlockedByOnePair(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	slow := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			close(entered)
			<-release
			return context.Canceled
		},
	}).Build()
	pool := NewPool(slow, Options{Connect: new(connections).connect})
	var group sync.WaitGroup
	group.Go(func() { _, _ = pool.Get(t.Context(), bySecret(storkv1alpha1.KubeconfigSecretRef{Name: "creds"})) })
	<-entered
	if _, err := pool.Get(t.Context(), inline("other", withUser(nil))); err != nil {
		t.Error(err)
	}
	pool.Forget(types.NamespacedName{Namespace: "web", Name: "other"})
	close(release)
	group.Wait()
}
