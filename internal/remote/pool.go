package remote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// defaultSecretKey is the key of a Secret where kubeconfigSecretRef names none.
const defaultSecretKey = "kubeconfig"

// Pool makes clients for ClusterPairs, once for each credential, and keeps them. It may be used by several goroutines.
type Pool struct {
	secrets client.Reader
	options Options

	// mu is never held during a request, so that one cluster that does not answer blocks no other.
	mu      sync.Mutex
	entries map[types.NamespacedName]entry
}

// entry is the client of a pair and the credential that it was made of.
type entry struct {
	cluster    *Cluster
	credential fingerprint
}

// fingerprint tells apart credentials, and pairs of the same name.
type fingerprint struct {
	uid  types.UID
	hash [sha256.Size]byte
}

// NewPool returns an empty Pool. Secrets are read through the reader each time, so that a changed one is seen at once: it must
// not be a cache, which would hold every Secret.
func NewPool(secrets client.Reader, options Options) *Pool {
	if options.Connect == nil {
		options.Connect = Connect
	}
	return &Pool{secrets: secrets, options: options, entries: map[types.NamespacedName]entry{}}
}

// Get returns the cluster of a pair. It sends nothing to it. The error is or wraps an *InvalidError or a *SecretNotFoundError where
// the user must act; all others pass.
func (p *Pool) Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*Cluster, error) {
	name := client.ObjectKeyFromObject(pair)
	cluster, err := p.get(ctx, name, pair)
	if err != nil {
		p.Forget(name)
		return nil, fmt.Errorf("ClusterPair %s: %w", name, err)
	}
	return cluster, nil
}

func (p *Pool) get(ctx context.Context, name types.NamespacedName, pair *storkv1alpha1.ClusterPair) (*Cluster, error) {
	kubeconfig, err := p.kubeconfig(ctx, pair)
	if err != nil {
		return nil, err
	}
	wanted := fingerprint{uid: pair.UID, hash: sha256.Sum256(kubeconfig)}
	if cluster := p.find(name, wanted); cluster != nil {
		return cluster, nil
	}
	credential, err := p.options.Vet(kubeconfig)
	if err != nil {
		return nil, err
	}
	cluster, err := p.options.Connect(credential, p.options)
	if err != nil {
		return nil, err
	}
	return p.keep(name, entry{cluster: cluster, credential: wanted}), nil
}

// Forget drops the client of a pair that is gone. A name that is not known is no error.
func (p *Pool) Forget(name types.NamespacedName) {
	p.mu.Lock()
	old := p.entries[name]
	delete(p.entries, name)
	p.mu.Unlock()
	if old.cluster != nil {
		old.cluster.close()
	}
}

// find returns nil where there is no client of that credential.
func (p *Pool) find(name types.NamespacedName, credential fingerprint) *Cluster {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.entries[name]; known.credential == credential {
		return known.cluster
	}
	return nil
}

// keep remembers a client, unless another goroutine was faster with the same credential, and returns the one that is kept.
func (p *Pool) keep(name types.NamespacedName, made entry) *Cluster {
	p.mu.Lock()
	old := p.entries[name]
	if old.credential == made.credential && old.cluster != nil {
		p.mu.Unlock()
		return old.cluster
	}
	p.entries[name] = made
	p.mu.Unlock()
	if old.cluster != nil {
		old.cluster.close()
	}
	return made.cluster
}

// kubeconfig returns what the pair's spec holds or refers to.
func (p *Pool) kubeconfig(ctx context.Context, pair *storkv1alpha1.ClusterPair) ([]byte, error) {
	ref, inline := pair.Spec.KubeconfigSecretRef, pair.Spec.Config
	switch {
	case ref != nil && inline != nil:
		return nil, &InvalidError{Problem: "both spec.config and spec.kubeconfigSecretRef are set", Remedy: "remove one of them"}
	case ref != nil:
		return p.secret(ctx, pair.Namespace, *ref)
	case inline != nil:
		return inline.Raw, nil
	}
	return nil, &InvalidError{Problem: "there is none", Remedy: "set spec.kubeconfigSecretRef or spec.config"}
}

func (p *Pool) secret(ctx context.Context, namespace string, ref storkv1alpha1.KubeconfigSecretRef) ([]byte, error) {
	if ref.Key == "" {
		ref.Key = defaultSecretKey
	}
	secret := &corev1.Secret{}
	err := p.secrets.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, &SecretNotFoundError{Namespace: namespace, Name: ref.Name}
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s/%s: %w", namespace, ref.Name, err)
	}
	content, found := secret.Data[ref.Key]
	if !found {
		return nil, &SecretNotFoundError{Namespace: namespace, Name: ref.Name, Key: ref.Key}
	}
	return content, nil
}
