// Package activation starts and stops the applications of one cluster: those that migrations brought, for storkctl and for failovers,
// and those that a failover stops where they came from. What storkctl activate does and what an Action does is the same code.
//
// It knows one cluster at a time, be it the operator's own or that of a ClusterPair. It must know nothing of Actions, of the order of
// a failover, nor of how results are printed: it tells what became of each object.
package activation
