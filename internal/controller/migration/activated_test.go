package migration

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/remote"
)

// oneCluster is the cluster of every pair.
type oneCluster struct{ *remote.Cluster }

func (c oneCluster) Get(context.Context, *storkv1alpha1.ClusterPair) (*remote.Cluster, error) {
	return c.Cluster, nil
}

func TestRefuseActivated(t *testing.T) {
	const terminal, again = "is Failed", "is tried again"
	for name, test := range map[string]struct {
		annotations map[string]string
		status      map[string]any // Of the schedule's copy at the destination; nil if there is none.
		forbidden   bool
		want        string
	}{
		"a Migration of no schedule goes on":              {status: map[string]any{"applicationActivated": true}},
		"one whose schedule has no copy goes on":          {annotations: ofSchedule()},
		"one whose copy was never told goes on":           {annotations: ofSchedule(), status: map[string]any{"items": nil}},
		"one whose applications are stopped goes on":      {annotations: ofSchedule(), status: map[string]any{"applicationActivated": false}},
		"one whose applications are active is Failed":     {annotations: ofSchedule(), status: map[string]any{"applicationActivated": true}, want: terminal},
		"one is tried again as long as it is not known":   {annotations: ofSchedule(), forbidden: true, want: again},
		"one of no schedule needs no right to be told so": {forbidden: true},
		"one of what can be no schedule's name goes on": {
			annotations: map[string]string{storkv1alpha1.AnnotationMigrationScheduleName: "../victim\n"}, forbidden: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var copies []runtime.Object
			if test.status != nil {
				schedule := &unstructured.Unstructured{Object: map[string]any{"status": test.status}}
				schedule.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind("MigrationSchedule"))
				schedule.SetNamespace("shop")
				schedule.SetName("nightly")
				copies = append(copies, schedule)
			}
			destination := dynamicfake.NewSimpleDynamicClient(localgodwit.Scheme(), copies...)
			if test.forbidden {
				destination.PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewForbidden(schedulesResource.GroupResource(), "nightly", nil)
				})
			}
			r := &run{
				Reconciler: &Reconciler{Clusters: oneCluster{&remote.Cluster{Dynamic: destination}}},
				job: &job{pair: &storkv1alpha1.ClusterPair{}, migration: &storkv1alpha1.Migration{
					ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "one", Annotations: test.annotations},
				}},
			}
			got := ""
			switch err := r.refuseActivated(t.Context()).(type) { //nolint:errorlint // It is not wrapped.
			case nil:
			case *terminalError:
				got = terminal
			default:
				t.Log(err)
				got = again
			}
			if got != test.want {
				t.Errorf("want that it %q, got that it %q", test.want, got)
			}
		})
	}
}

func ofSchedule() map[string]string {
	return map[string]string{storkv1alpha1.AnnotationMigrationScheduleName: "nightly"}
}
