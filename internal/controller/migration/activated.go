package migration

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var schedulesResource = storkv1alpha1.GroupVersion.WithResource("migrationschedules")

// refuseActivated ends a Migration that a schedule began if its applications run at the destination by now, as the schedule's copy
// there says: it would stop them and overwrite what they wrote (as Stork does). A destination without such a copy was never told.
func (r *run) refuseActivated(ctx context.Context) error {
	migration := r.job.migration
	name := scheduleOf(migration)
	if name == "" {
		return nil
	}
	destination, err := r.Clusters.Get(ctx, r.job.pair)
	if err != nil {
		return fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(r.job.pair), err)
	}
	schedule, err := destination.Dynamic.Resource(schedulesResource).Namespace(migration.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading at the destination whether the applications of MigrationSchedule %s/%s are active: %w", migration.Namespace, name, err)
	}
	if active, _, _ := unstructured.NestedBool(schedule.Object, "status", "applicationActivated"); !active {
		return nil
	}
	return &terminalError{reason: storkv1alpha1.ReasonApplicationsActive, message: fmt.Sprintf("migrated applications are active on remote cluster: "+
		"MigrationSchedule %s/%s says so there; migrate them back, or stop them there by storkctl deactivate migrations", migration.Namespace, name)}
}

// scheduleOf names the MigrationSchedule that began a Migration; empty if none did. Whoever writes the Migration can annotate it with
// anything: what is no name is none of a schedule.
func scheduleOf(migration *storkv1alpha1.Migration) string {
	name := migration.Annotations[storkv1alpha1.AnnotationMigrationScheduleName]
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return ""
	}
	return name
}
