// Package v1alpha1 holds the types of the group stork.libopenstorage.org, version v1alpha1: what users write and read.
//
// Field names, enum values and the shape of every object are Stork's, so that manifests, GitOps repositories and clients made
// for Stork keep working; what Godwit adds is optional. The package imports apimachinery only. It must know nothing of clients,
// controllers or storage drivers: defaults and checks that a schema can express stand here as markers, all others elsewhere.
//
// +kubebuilder:object:generate=true
// +groupName=stork.libopenstorage.org
package v1alpha1
