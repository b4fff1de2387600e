// Package link joins the two movers of a volume: one listens, the other dials, over TLS 1.3 with a certificate on either side. Each
// connection says first what it is for and then belongs to that purpose.
//
// It must not know what the purposes do, nor anything of files, devices or Kubernetes.
package link
