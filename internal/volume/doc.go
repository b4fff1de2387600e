// Package volume holds the interface that storage drivers implement, their registry, and the choice of a driver for each
// volume. A driver knows no controller, and nothing outside this folder knows a driver by name.
package volume
