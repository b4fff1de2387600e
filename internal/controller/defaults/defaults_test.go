package defaults

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/schedule"
	"github.com/godwit-io/godwit/internal/workload"
)

// TestInstallerKeepsWhatAdministratorsChanged needs a real API server: what exists already is for it to say.
func TestInstallerKeepsWhatAdministratorsChanged(t *testing.T) {
	ctx := t.Context()
	cluster, err := localcluster.Start(ctx, localcluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := localgodwit.InstallCRDs(cluster.Config(), "../../.."); err != nil {
		t.Fatal(err)
	}
	c, err := localgodwit.Client(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	installer := &Installer{Client: c, AdminNamespace: "movers", DeployNamespace: "operators"}
	if err := installer.Start(ctx); err != nil {
		t.Fatalf("the first installation: %v", err)
	}

	registrations := &storkv1alpha1.ApplicationRegistrationList{}
	if err := c.List(ctx, registrations); err != nil || len(registrations.Items) != len(workload.Builtin()) {
		t.Fatalf("%d of %d built-in registrations are there, error %v", len(registrations.Items), len(workload.Builtin()), err)
	}
	edited := &registrations.Items[0]
	edited.Resources[0].SuspendOptions = storkv1alpha1.SuspendOptions{Path: "spec.mine", Type: "bool"}
	published, policy, deleted := &corev1.ConfigMap{}, &storkv1alpha1.SchedulePolicy{}, &storkv1alpha1.SchedulePolicy{}
	get := func(object client.Object, namespace, name string) {
		t.Helper()
		if err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, object); err != nil {
			t.Fatal(err)
		}
	}
	get(published, configMapNamespace, configMapName)
	published.Data["service-account"] = "mine"
	get(policy, "", "default-migration-policy")
	policy.Policy.Interval.IntervalMinutes = 1
	for _, object := range []client.Object{edited, published, policy} {
		if err := c.Update(ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	get(deleted, "", "default-daily-policy")
	if err := c.Delete(ctx, deleted); err != nil {
		t.Fatal(err)
	}

	if err := installer.Start(ctx); err != nil {
		t.Fatalf("the second installation: %v", err)
	}
	get(edited, "", edited.Name)
	if path := edited.Resources[0].SuspendOptions.Path; path != "spec.mine" {
		t.Errorf("the administrator's edit became %q", path)
	}
	get(published, configMapNamespace, configMapName)
	for key, want := range map[string]string{"admin-ns": "movers", "stork-deploy-ns": "operators", "service-account": "mine"} {
		if got := published.Data[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if get(policy, "", policy.Name); policy.Policy.Interval.IntervalMinutes != 1 {
		t.Errorf("the administrator's interval became %d", policy.Policy.Interval.IntervalMinutes)
	}
	get(deleted, "", deleted.Name)
	if _, err := schedule.Parse(deleted.Policy, nil); err != nil || deleted.Policy.Daily.Retain != 7 {
		t.Errorf("the daily policy is %+v, error %v", deleted.Policy, err)
	}
}
