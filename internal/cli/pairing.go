package cli

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// kubeconfigKey is the key of a kubeconfig in a Secret.
const kubeconfigKey = "kubeconfig"

// The directions, in the words of Stork's messages.
const (
	forth = "Source -> Destination"
	back  = "Destination -> Source"
)

// pairing is one run of `create clusterpair`.
type pairing struct {
	*createClusterPair
	name string
	// mappings are the project mappings of the way forth, reverse those of the way back.
	mappings, reverse map[string]string
	// storeData is the content of the object store's Secret; nil unless one is to be created.
	storeData map[string][]byte
	from, to  *side
	journal   journal
	// made are the messages about pairs, which are true only when nothing has to be removed again.
	made []string
}

// side is one of the two clusters.
type side struct {
	sideFlags
	// name is "source" or "destination".
	name       string
	kubeconfig *clientcmdapi.Config
	client     client.Client
}

func (p *pairing) readMappings() (err error) {
	if p.mappings, err = parseKeyValues(p.projectMappings); err == nil && !p.unidirectional {
		p.reverse, err = reversed(p.mappings)
	}
	if err != nil {
		return fmt.Errorf("invalid project-mappings provided: %w", err)
	}
	return nil
}

// readStorage checks the flags for storage.
func (p *pairing) readStorage() (err error) {
	if p.mode == modeSyncDR {
		return nil
	}
	if p.store.existing == "" {
		if p.storeData, err = p.store.secretData(); err != nil {
			return err
		}
	}
	if p.destination.endpoint != "" {
		if _, err := parseEndpoint(p.destination.endpoint); err != nil {
			return err
		}
	}
	if p.source.endpoint != "" {
		if _, err := parseEndpoint(p.source.endpoint); err != nil {
			return err
		}
	}
	tokens := []parameter{{"dest-token", p.destination.token, tokenHelp("destination")}}
	if !p.unidirectional {
		tokens = append(tokens, parameter{"src-token", p.source.token, tokenHelp("source")})
	}
	return required(tokens...)
}

func tokenHelp(cluster string) string {
	return fmt.Sprintf("Token of the %[1]s's Portworx cluster missing: `pxctl cluster token show` prints it there. Without Portworx, use --mode sync-dr", cluster)
}

func (p *pairing) readKubeconfigs() (err error) {
	p.from = &side{sideFlags: p.source, name: "source"}
	p.to = &side{sideFlags: p.destination, name: "destination"}
	for _, s := range []*side{p.from, p.to} {
		if s.kubeconfig, err = loadKubeconfig(s.kubeFile); err != nil {
			return err
		}
		config, err := clientcmd.NewDefaultClientConfig(*s.kubeconfig, nil).ClientConfig()
		if err != nil {
			return fmt.Errorf("kubeconfig %s: %w", s.kubeFile, err)
		}
		if s.client, err = newClient(p.tuned(config)); err != nil {
			return fmt.Errorf("connecting to the %s cluster: %w", s.name, err)
		}
	}
	return nil
}

// create creates everything, in an order in which each object finds what it refers to.
func (p *pairing) create(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.checkClusters, p.findEndpoints, p.ensureNamespaces, p.ensureObjectStore, p.ensurePairs} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, message := range p.made {
		p.println(message)
	}
	return nil
}

// checkClusters refuses to pair a cluster with itself, or with one that does not answer.
func (p *pairing) checkClusters(ctx context.Context) error {
	var uids []types.UID
	for _, s := range []*side{p.from, p.to} {
		// Each cluster has this namespace, with a UID of its own. Whoever may not read it is not kept from pairing.
		namespace := &corev1.Namespace{}
		err := s.client.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace)
		switch {
		case err == nil:
			uids = append(uids, namespace.UID)
		case !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err):
			return fmt.Errorf("the %s cluster of kubeconfig %s: %w", s.name, s.kubeFile, err)
		}
	}
	if len(uids) == 2 && uids[0] == uids[1] {
		return errors.New("source kubeconfig and destination kubeconfig lead to the same cluster: nothing was created")
	}
	return nil
}

func (p *pairing) ensurePairs(ctx context.Context) error {
	if err := p.ensurePair(ctx, p.from, p.to, p.mappings, forth); err != nil || p.unidirectional {
		return err
	}
	return p.ensurePair(ctx, p.to, p.from, p.reverse, back)
}

func (p *pairing) findEndpoints(ctx context.Context) error {
	if p.mode == modeSyncDR {
		return nil
	}
	sides := []*side{p.from, p.to}
	if p.unidirectional {
		sides = sides[1:]
	}
	for _, s := range sides {
		if s.endpoint != "" {
			continue
		}
		found, err := findEndpoint(ctx, s.client)
		if err != nil {
			return fmt.Errorf("unable to get portworx endpoint in %s cluster. Err: %w", s.name, err)
		}
		s.endpoint = found
		p.println(map[string]string{"source": "Source", "destination": "Destination"}[s.name] + " portworx endpoint is " + found)
	}
	return nil
}

// ensureNamespaces leaves the destination alone where nothing is created in it.
func (p *pairing) ensureNamespaces(ctx context.Context) error {
	sides := []*side{p.from, p.to}
	if p.unidirectional && p.mode == modeSyncDR {
		sides = sides[:1]
	}
	for _, s := range sides {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}}
		if _, _, err := ensure(ctx, &p.journal, s, namespace); err != nil {
			return err
		}
	}
	return nil
}

// ensurePair creates the ClusterPair in one cluster that leads to the other.
func (p *pairing) ensurePair(ctx context.Context, in, to *side, mappings map[string]string, direction string) error {
	if p.mode != modeSyncDR {
		p.println("Creating a cluster pair. Direction: " + direction)
	}
	options, err := p.options(to)
	if err != nil {
		return err
	}
	pair := newClusterPair(p.name, p.namespace, options, mappings)
	pair.Annotations = p.annotations
	created := false
	if p.inlineKubeconfig {
		if pair.Spec.Config, err = inlineKubeconfig(to.kubeconfig); err != nil {
			return err
		}
		_, created, err = ensure(ctx, &p.journal, in, pair)
	} else {
		created, err = p.ensurePairWithSecret(ctx, in, to, pair)
	}
	if err != nil {
		return err
	}
	p.reportPair(direction, created)
	return nil
}

// ensurePairWithSecret creates the Secret before the pair, which needs it, and then makes the pair its owner.
func (p *pairing) ensurePairWithSecret(ctx context.Context, in, to *side, pair *storkv1alpha1.ClusterPair) (created bool, err error) {
	content, err := clientcmd.Write(*to.kubeconfig)
	if err != nil {
		return false, fmt.Errorf("writing the kubeconfig of the %s cluster: %w", to.name, err)
	}
	secret, _, err := ensure(ctx, &p.journal, in, p.secret(p.name+"-kubeconfig", map[string][]byte{kubeconfigKey: content}))
	if err != nil {
		return false, err
	}
	pair.Spec.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: secret.Name, Key: kubeconfigKey}
	pair, created, err = ensure(ctx, &p.journal, in, pair)
	if err != nil {
		return false, err
	}
	before := secret.DeepCopy()
	if err := controllerutil.SetOwnerReference(pair, secret, in.client.Scheme()); err != nil {
		return false, err
	}
	if err := in.client.Patch(ctx, secret, client.MergeFrom(before)); err != nil {
		return false, fmt.Errorf("making the ClusterPair in the %s cluster the owner of its Secret: %w", in.name, err)
	}
	return created, nil
}

// reportPair has Stork's messages printed at the end, which differ by direction, where the pair is new.
func (p *pairing) reportPair(direction string, created bool) {
	message := fmt.Sprintf("Cluster pair %s created successfully. Direction: %s", p.name, direction)
	switch {
	case !created:
		message = fmt.Sprintf("ClusterPair %s is there already, as it should be. Direction: %s", p.name, direction)
	case direction == forth:
		message = fmt.Sprintf("ClusterPair %s created successfully. Direction %s\n", p.name, direction)
	}
	p.made = append(p.made, message)
}

// options are the storage options of a pair that leads to a cluster; none for objects only.
func (p *pairing) options(to *side) (map[string]string, error) {
	if p.mode == modeSyncDR {
		return nil, nil
	}
	e, err := parseEndpoint(to.endpoint)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"ip":             e.host,
		"port":           e.port,
		"token":          to.token,
		"mode":           map[string]string{modeAsyncDR: "DisasterRecovery", modeMigration: "OneTimeMigration"}[p.mode],
		"backuplocation": p.location(),
	}, nil
}

// secret returns a Secret that no migration takes along and that is deleted with the pair.
func (p *pairing) secret(name string, data map[string][]byte) *corev1.Secret {
	secret := &corev1.Secret{Type: corev1.SecretTypeOpaque, Data: data}
	secret.Name, secret.Namespace, secret.Annotations = name, p.namespace, ownAnnotations()
	return secret
}

func ownAnnotations() map[string]string {
	return map[string]string{storkv1alpha1.AnnotationSkipResource: "true", storkv1alpha1.AnnotationCreatedByStork: "true"}
}
