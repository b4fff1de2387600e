package localnode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

// Exec runs a command in a container of a pod, as kubectl exec does, and returns what it writes to stdout. The container may be empty
// where the pod has one only, and stdin nil.
func (c *Cluster) Exec(ctx context.Context, pod types.NamespacedName, container string, stdin io.Reader, command ...string) (string, error) {
	url := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: command, Stdin: stdin != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(c.Config(), "GET", url.String())
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: &stdout, Stderr: &stderr}); err != nil {
		return stdout.String(), fmt.Errorf("%s in pod %s of cluster %s: %w\n%s", strings.Join(command, " "), pod, c.name, err, stderr.Bytes())
	}
	return stdout.String(), nil
}

// Logs returns what a container of a pod has written so far. The container may be empty where the pod has one only.
func (c *Cluster) Logs(ctx context.Context, pod types.NamespacedName, container string) (string, error) {
	content, err := c.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container}).DoRaw(ctx)
	return string(content), err
}
