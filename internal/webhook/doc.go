// Package webhook refuses at admission what could never run, and what its requester could not do without the operator: the
// operator reads Secrets, volumes and containers with its own rights, so whoever makes it do so must have those rights as well.
//
// It must not know what the controllers do with an object once it is admitted. It changes one thing only: what a client tells in a
// status that the API server would drop is noted where it is kept. What other objects
// decide, for example whether a ClusterPair exists, is not judged here: they can appear later, and controllers wait for them.
package webhook
