// Package portworx is the storage driver for Portworx: it has Portworx pair with the Portworx of another cluster and copy volumes there,
// over the OpenStorage SDK (gRPC). The data never pass through the operator.
//
// Environment variables say where Portworx is and how to log on, as they did for Stork: see ConfigFrom. Nothing of that is looked up or
// dialled before it is needed, so that the operator can run before Portworx does, or without it.
//
// It must not know controllers, nor other clusters: all that happens at the destination is Portworx's doing.
package portworx
