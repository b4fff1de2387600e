// Package clusterpair probes the clusters of ClusterPairs, has their storage paired, keeps their status, and cleans up behind
// them.
//
// It must know no storage driver by name and make no client of its own. It writes nothing to the other cluster, which may be
// gone when a pair is deleted. All that it remembers is in the status of the pair.
package clusterpair
