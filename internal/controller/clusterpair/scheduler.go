package clusterpair

import (
	"context"
	"errors"
	"fmt"
	"strings"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
)

// schedulerFacts are what one probe found out about the other API server.
type schedulerFacts struct {
	// reason is that of the conditions; ReasonReady when all is well.
	reason string
	// message explains it to the user.
	message string
	// version is the Kubernetes version; empty while it is not known.
	version string
}

// probe finds out how the other cluster is. An error means that nothing was found out.
func (r *Reconciler) probe(ctx context.Context, pair *storkv1alpha1.ClusterPair) (schedulerFacts, error) {
	namespace := pair.Namespace
	if r.isAdmin(pair) {
		namespace = ""
	}
	cluster, err := r.Clusters.Get(ctx, pair)
	if err != nil {
		return factsOfError(err)
	}
	probe, err := cluster.Probe(ctx, permissions(namespace))
	if err != nil {
		return factsOfError(err)
	}
	if r.leadsHere(ctx, cluster, pair) {
		return schedulerFacts{reason: storkv1alpha1.ReasonSameCluster, version: probe.ServerVersion, message: fmt.Sprintf(
			"the kubeconfig leads to %s, which is this cluster itself: put that of the other cluster into spec.config or the "+
				"Secret of spec.kubeconfigSecretRef", cluster.ServerHost)}, nil
	}
	facts := r.factsOfProbe(pair, cluster, probe)
	if facts.reason == storkv1alpha1.ReasonPermissionsMissing {
		cluster.Doubt() // Somebody will grant them, which is to be seen soon.
	}
	return facts, nil
}

func (r *Reconciler) isAdmin(pair *storkv1alpha1.ClusterPair) bool {
	return pair.Namespace == r.Options.AdminNamespace
}

// factsOfError returns the error where it says nothing about the pair.
func factsOfError(err error) (schedulerFacts, error) {
	if known, ok := errors.AsType[*remote.InvalidError](err); ok {
		return schedulerFacts{reason: storkv1alpha1.ReasonCredentialInvalid, message: known.Error()}, nil
	}
	if known, ok := errors.AsType[*remote.SecretNotFoundError](err); ok {
		return schedulerFacts{reason: storkv1alpha1.ReasonSecretNotFound, message: known.Error()}, nil
	}
	if known, ok := errors.AsType[*remote.UnreachableError](err); ok {
		return schedulerFacts{reason: storkv1alpha1.ReasonUnreachable, message: known.Error()}, nil
	}
	if known, ok := errors.AsType[*remote.UnauthorizedError](err); ok {
		return schedulerFacts{reason: storkv1alpha1.ReasonUnauthorized, message: known.Error()}, nil
	}
	return schedulerFacts{}, err
}

func (r *Reconciler) factsOfProbe(pair *storkv1alpha1.ClusterPair, cluster *remote.Cluster, probe remote.Probe) schedulerFacts {
	required, optional := probe.Missing, []remote.Permission(nil)
	if !r.isAdmin(pair) {
		required, optional = split(probe.Missing)
	}
	if len(required) > 0 {
		return schedulerFacts{
			reason:  storkv1alpha1.ReasonPermissionsMissing,
			message: fmt.Sprintf("at %s the credential lacks permissions, grant it: %s", cluster.ServerHost, describe(probe.Missing)),
			version: probe.ServerVersion,
		}
	}
	sentences := []string{fmt.Sprintf("%s runs Kubernetes %s", cluster.ServerHost, probe.ServerVersion)}
	if len(optional) > 0 {
		sentences = append(sentences, "without an adminClusterPair, migrations fail to: "+describe(optional))
	}
	return schedulerFacts{
		reason:  storkv1alpha1.ReasonReady,
		message: strings.Join(append(sentences, cluster.Notices...), ". "),
		version: probe.ServerVersion,
	}
}
