// Package volume holds the interface that storage drivers implement, their registry, and the choice of a driver for each
// volume. A driver knows no controller, and nothing outside this folder knows a driver by name.
//
// Without a driver in the Registry that owns them, a Migration that includes volumes fails; without one that pairs, a ClusterPair whose
// options ask for storage to be paired (key token) reports ErrNoPairer.
//
// To add a driver: implement Driver and what it can do of Pairer, Mover and Retargeter in a folder of its own, run the checks of
// package conformance over it in a test, and register it where the manager is put together.
package volume
