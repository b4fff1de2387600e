package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// defaultSecretKey is the key of a Secret where kubeconfigSecretRef names none.
const defaultSecretKey = "kubeconfig"

// Pool makes clients for ClusterPairs, once for each credential, and keeps them: pairs with the same credential share one. It may
// be used by several goroutines.
type Pool struct {
	secrets client.Reader
	options Options

	// mu is never held during a request, so that one cluster that does not answer blocks no other.
	mu sync.Mutex
	// entries are what pairs use.
	entries map[types.NamespacedName]entry
	// clusters are by the credential that they were made of; each is used by a pair at least.
	clusters map[fingerprint]*Cluster
}

// entry is the credential of a pair and where it was read.
type entry struct {
	credential fingerprint
	secret     secretVersion
}

// fingerprint tells apart credentials.
type fingerprint [sha256.Size]byte

// secretVersion tells apart what Secrets held. The zero value is of a pair that holds its kubeconfig itself.
type secretVersion struct {
	uid             types.UID
	resourceVersion string
	key             string
}

// NewPool returns an empty Pool. Secrets are read through the reader, which must not be a cache: it would hold every Secret.
func NewPool(secrets client.Reader, options Options) *Pool {
	if options.Connect == nil {
		options.Connect = Connect
	}
	return &Pool{
		secrets: secrets, options: options,
		entries: map[types.NamespacedName]entry{}, clusters: map[fingerprint]*Cluster{},
	}
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
	if cluster := p.unchanged(ctx, name, pair); cluster != nil {
		return cluster, nil
	}
	kubeconfig, from, err := p.kubeconfig(ctx, pair)
	if err != nil {
		return nil, err
	}
	wanted := entry{credential: sha256.Sum256(kubeconfig), secret: from}
	if cluster := p.use(name, wanted, nil); cluster != nil {
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
	return p.use(name, wanted, cluster), nil
}

// unchanged returns the cluster of a pair whose Secret is still what it was when it was read; nil where that is not known.
func (p *Pool) unchanged(ctx context.Context, name types.NamespacedName, pair *storkv1alpha1.ClusterPair) *Cluster {
	ref := pair.Spec.KubeconfigSecretRef
	if p.options.SecretVersions == nil || ref == nil || pair.Spec.Config != nil {
		return nil
	}
	now := &metav1.PartialObjectMetadata{}
	now.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := p.options.SecretVersions.Get(ctx, types.NamespacedName{Namespace: pair.Namespace, Name: ref.Name}, now); err != nil {
		return nil // Reading the Secret itself tells more.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.entries[name]
	if known.secret != versionOf(now, ref.Key) {
		return nil
	}
	return p.clusters[known.credential]
}

func versionOf(secret client.Object, key string) secretVersion {
	return secretVersion{uid: secret.GetUID(), resourceVersion: secret.GetResourceVersion(), key: cmp.Or(key, defaultSecretKey)}
}

// Forget drops the client of a pair that is gone, unless others use it. A name that is not known is no error.
func (p *Pool) Forget(name types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.entries[name]
	delete(p.entries, name)
	p.closeUnused(old.credential)
}

// use notes what a pair uses and returns the cluster of that credential: the one that is kept if there is one, otherwise the one
// that was made. It does nothing and returns nil where there is neither.
func (p *Pool) use(name types.NamespacedName, wanted entry, made *Cluster) *Cluster {
	p.mu.Lock()
	defer p.mu.Unlock()
	cluster := p.clusters[wanted.credential]
	if cluster == nil {
		if made == nil {
			return nil
		}
		cluster = made
		p.shareServer(made)
	}
	old := p.entries[name]
	p.entries[name], p.clusters[wanted.credential] = wanted, cluster
	p.closeUnused(old.credential)
	return cluster
}

// shareServer has a cluster know what is known of its API server with other credentials. The caller holds mu.
func (p *Pool) shareServer(made *Cluster) {
	for _, other := range p.clusters {
		if other.server.id == made.server.id {
			made.server = other.server
			return
		}
	}
}

// closeUnused lets go of a cluster that no pair uses any more. The caller holds mu.
func (p *Pool) closeUnused(credential fingerprint) {
	cluster := p.clusters[credential]
	if cluster == nil {
		return
	}
	for _, entry := range p.entries {
		if entry.credential == credential {
			return
		}
	}
	delete(p.clusters, credential)
	cluster.close()
}

// kubeconfig returns what the pair's spec holds or refers to, and where it was read.
func (p *Pool) kubeconfig(ctx context.Context, pair *storkv1alpha1.ClusterPair) ([]byte, secretVersion, error) {
	ref, inline := pair.Spec.KubeconfigSecretRef, pair.Spec.Config
	switch {
	case ref != nil && inline != nil:
		return nil, secretVersion{}, &InvalidError{Problem: "both spec.config and spec.kubeconfigSecretRef are set", Remedy: "remove one of them"}
	case ref != nil:
		return p.secret(ctx, pair.Namespace, *ref)
	case inline != nil:
		return inline.Raw, secretVersion{}, nil
	}
	return nil, secretVersion{}, &InvalidError{Problem: "there is none", Remedy: "set spec.kubeconfigSecretRef or spec.config"}
}

func (p *Pool) secret(ctx context.Context, namespace string, ref storkv1alpha1.KubeconfigSecretRef) ([]byte, secretVersion, error) {
	ref.Key = cmp.Or(ref.Key, defaultSecretKey)
	secret := &corev1.Secret{}
	err := p.secrets.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, secretVersion{}, &SecretNotFoundError{Namespace: namespace, Name: ref.Name}
	}
	if err != nil {
		return nil, secretVersion{}, fmt.Errorf("reading Secret %s/%s: %w", namespace, ref.Name, err)
	}
	content, found := secret.Data[ref.Key]
	if !found {
		return nil, secretVersion{}, &SecretNotFoundError{Namespace: namespace, Name: ref.Name, Key: ref.Key}
	}
	return content, versionOf(secret, ref.Key), nil
}
