// Package mover copies the file system of a volume from where it is mounted to where its copy is: Send runs beside the source, Receive
// beside the destination. Each is one process in a pod that has nothing but the volume, an identity and a connection to the other.
//
// It must not know Kubernetes: what starts movers gives them folders and addresses and reads their reports.
package mover
