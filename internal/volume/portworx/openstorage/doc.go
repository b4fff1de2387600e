// Package openstorage is client and server of the OpenStorage SDK, over gRPC, as far as Godwit needs it. It is generated from
// openstorage.proto by `make generate` and knows nothing else.
package openstorage
