// Package remote turns a ClusterPair into a vetted client for the other cluster, once for each credential, and probes it.
//
// A kubeconfig is hostile input: what would run a program or read a file in the operator is refused here, and nowhere else are
// clients made. It must know nothing of Migrations, and it writes nothing to either cluster.
package remote
