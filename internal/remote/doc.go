// Package remote turns a ClusterPair into a vetted client for the other cluster, once for each credential, and probes it.
//
// A kubeconfig is hostile input: what would run a program or read a file in the operator is refused here, and nowhere else are
// clients made. So is the other API server: what it answers is bounded in size and time, and none of its words get into errors.
// The package must know nothing of Migrations, and it writes nothing to either cluster.
package remote
