package migration

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

func TestWaitingFor(t *testing.T) {
	pair := &storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "remote"}}
	for name, test := range map[string]struct {
		namespace string
		status    storkv1alpha1.MigrationStatus
		want      int
	}{
		"brings a Migration back that waits":                             {"shop", storkv1alpha1.MigrationStatus{Status: storkv1alpha1.MigrationStatusPending}, 1},
		"brings one back of which the cache does not know that it waits": {"shop", storkv1alpha1.MigrationStatus{}, 1},
		"brings one of the admin namespace back":                         {adminNamespace, storkv1alpha1.MigrationStatus{}, 1},
		"leaves one alone that has ended":                                {"shop", storkv1alpha1.MigrationStatus{Stage: storkv1alpha1.MigrationStageFinal}, 0},
		"leaves those of other namespaces alone":                         {"office", storkv1alpha1.MigrationStatus{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: test.namespace, Name: "m"}, Status: test.status}
			r := &Reconciler{
				Client:  fake.NewClientBuilder().WithScheme(localgodwit.Scheme()).WithObjects(migration).Build(),
				Options: Options{AdminNamespace: adminNamespace},
			}
			if got := r.waitingFor(t.Context(), pair); len(got) != test.want {
				t.Errorf("want %d requests, got %v", test.want, got)
			}
		})
	}
}
