// Package transform changes objects on their way from the source to the destination: a pipeline of transformers, one a file,
// each a pure and idempotent function on one object.
//
// It must know no client, no clock and no other object than the one at hand: what a transformer needs beyond it comes in
// Options. How workloads are stopped is package workload's; this package only decides whether they are.
package transform
