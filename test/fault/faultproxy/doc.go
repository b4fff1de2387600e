// Package faultproxy stands between clients and an API server, and does to requests what networks, load balancers and overloaded
// servers do: it answers in the server's stead, loses requests or answers, resets connections, and is slow. It keeps a log of what
// the API server was asked and has carried out.
//
// A Fault says which requests it is about, and its Effect what becomes of them:
//
//	proxy.Inject(&faultproxy.Fault{Of: faultproxy.On(faultproxy.Creates, "configmaps"), Every: 3, Do: faultproxy.LoseAnswer()})
//
// The package must know nothing of Godwit, and of Kubernetes only how requests name objects.
package faultproxy
