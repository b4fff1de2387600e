// Package localnode adds nodes to the control planes of package localcluster: a real kubelet, containerd, runc and kube-proxy for each,
// for tests that span pods, volumes and clusters. It needs root on Linux, and programs that it takes from Debian's packages.
//
// Each cluster, with its control plane, lives on a machine of its own: namespaces of network, mounts and processes, whose first process
// dies with the one that started it. Then the kernel removes all that is in them, so that nothing stays behind even of one that is killed,
// except for folders and cgroups, which the next one to start removes. Nothing changes in the namespaces of this machine itself.
// The machines' networks are joined by a bridge on a further one, the hub, without a way out to the world.
//
// It must know nothing of Godwit, nor of what the clusters are used for.
package localnode
