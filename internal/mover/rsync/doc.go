// Package rsync runs the program rsync at both ends of a connection: as a client that sends where the source is, and as a server with
// arguments of our own where the destination is. It says what they do in words of package report.
//
// It must not know how connections are made, nor which parts of a volume are copied in what order.
package rsync
