// Package failover knows the itineraries of Actions: in which order a failover and a failback stop, migrate and start applications,
// and how either is undone.
//
// Both are one itinerary with the clusters exchanged: applications leave one cluster and arrive in another. A step does one thing that
// may be done again after a crash at any point, and tells which stage comes next, or how long to wait. What a step did is marked on
// the objects themselves, in the same write.
//
// It must know nothing of reconcilers, queues and events, nor how clusters are reached or objects are stopped. It never sleeps.
package failover
