package fault_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func itoa[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// object reads one object; NS stands for the namespace.
func object(namespace, manifest string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(manifest, "NS", namespace)), &o.Object); err != nil {
		panic(fmt.Sprintf("%v in:\n%s", err, manifest))
	}
	return o
}

// platform is what an application has once. Its cluster-scoped objects have the namespace's name in theirs, so that scenarios do not
// meet.
func platform(namespace string) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, manifest := range []string{
		`{apiVersion: v1, kind: Namespace, metadata: {name: NS, labels: {team: shop}}}`,
		`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.NS.example.com}
spec:
  group: NS.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}, colour: {type: string}}}}`,
		`{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: NS}}`,
		`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: NS}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]`,
		`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: NS}]`,
		`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web-NS}
rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]`,
		`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web-NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web-NS}
subjects: [{kind: ServiceAccount, name: web, namespace: NS}]`,
	} {
		all = append(all, object(namespace, manifest))
	}
	return all
}

// part returns the objects of an application with these numbers, in a certain edition.
func part(namespace, edition string, from, to int) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for i := from; i < to; i++ {
		all = append(all, object(namespace, fmt.Sprintf(
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: item-%04d, namespace: NS, labels: {app: shop}}, data: {price: "%d", edition: %s}}`, i, i, edition)))
		if i >= 100 {
			continue // Long lists of one kind are enough.
		}
		switch i % 10 {
		case 0:
			all = append(all, object(namespace, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%d, namespace: NS}
spec:
  replicas: 0
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d}}
    spec: {serviceAccountName: web, containers: [{name: web, image: "registry.example.com/web:%s"}]}`, i, edition)))
		case 1:
			all = append(all, object(namespace, fmt.Sprintf(`
{apiVersion: v1, kind: Service, metadata: {name: web-%d, namespace: NS, labels: {edition: %s}}, spec: {selector: {app: web}, ports: [{port: 80}]}}`, i, edition)))
		case 2, 3:
			all = append(all, object(namespace, fmt.Sprintf(`
{apiVersion: v1, kind: Secret, metadata: {name: key-%d, namespace: NS}, stringData: {edition: %s}}`, i, edition)))
		case 4, 5, 6:
			all = append(all, object(namespace, fmt.Sprintf(`
{apiVersion: NS.example.com/v1, kind: Widget, metadata: {name: widget-%d, namespace: NS}, spec: {size: %[1]d, colour: %s}}`, i, edition)))
		}
	}
	return all
}

// givers is how many objects are made at once.
const givers = 8

// give creates objects or makes them what they shall be.
func give(t *testing.T, c client.Client, objects ...*unstructured.Unstructured) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(givers)
	for _, o := range objects {
		group.Go(func() error { return giveOne(c, o) })
	}
	NewWithT(t).Expect(group.Wait()).To(Succeed())
}

// giveOne creates one object. A new kind or namespace needs a moment to be there.
func giveOne(c client.Client, o *unstructured.Unstructured) error {
	var last error
	err := wait.PollUntilContextTimeout(context.Background(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = c.Create(ctx, o.DeepCopy())
		if apierrors.IsAlreadyExists(last) {
			last = c.Patch(ctx, o.DeepCopy(), client.Merge)
		}
		if apierrors.IsBadRequest(last) || apierrors.IsInvalid(last) {
			return false, last
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("giving %s: %w: %w", key(o), err, last)
	}
	return nil
}
