// Package workload stops and starts again whatever runs: replicas, CronJobs, Jobs, DaemonSets, autoscalers, and custom
// resources by ApplicationRegistration. What an object was before it was stopped is remembered in annotations on the object.
//
// Its functions are pure and work on one object. It must know no client and nothing of migrations or failovers: those decide
// when something is stopped, this package knows how.
package workload
