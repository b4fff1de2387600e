// Package standin stands in for Portworx in tests: storage clusters whose SDK servers speak the same proto over real gRPC, and answer
// with the codes and words that a real SDK server was seen to answer with.
//
// They keep real state. Pairs are made only with the token of the other cluster, copies go from Queued through Backup, Restore and
// VolumeUpdate to Done, one step with each call of Advance, pass through an object store that can be full, and leave the content of the
// volume at the other cluster. State outlives a server, as it does with Portworx, where nodes share a key-value store.
//
// It knows nothing of Kubernetes and of the driver.
package standin
