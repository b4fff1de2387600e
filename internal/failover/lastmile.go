package failover

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// migrateLastMile brings over what has changed since the schedule's last Migration, now that nothing changes any more. The Migration
// is made where the applications are, after the schedule's template.
func migrateLastMile(ctx context.Context, t *trip) verdict {
	const doing = "the last Migration"
	migrations, err := t.migrations(ctx)
	if err != nil {
		return t.retry(doing, err)
	}
	name := t.lastMileName()
	migration, err := migrations.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		migration, err = t.createLastMile(ctx, migrations)
	}
	if err != nil {
		return t.retry(doing+" "+name, err)
	}
	status, _, _ := unstructured.NestedString(migration.Object, "status", "status")
	switch {
	case !begun(migration):
		return wait(storkv1alpha1.ReasonWaitingForOperator, fmt.Sprintf("Migration %s at the %s was not begun: find out whether the operator runs there",
			t.key(name), t.origin()), t.Options.Patience)
	case stageOf(migration) != storkv1alpha1.MigrationStageFinal:
		return wait(storkv1alpha1.ReasonInProgress, fmt.Sprintf("Migration %s at the %s runs", t.key(name), t.origin()), t.Options.MigrationTimeout)
	case storkv1alpha1.MigrationStatusType(status) == storkv1alpha1.MigrationStatusSuccessful:
	case storkv1alpha1.MigrationStatusType(status) == storkv1alpha1.MigrationStatusPartialSuccess:
		t.warn(storkv1alpha1.ReasonPartialSuccess, fmt.Sprintf("the last Migration %s did not bring everything: its report at the %s tells what", t.key(name), t.origin()))
	default:
		return fail(storkv1alpha1.ReasonFailed, fmt.Sprintf("The %s operation is aborted because the last mile migration %s failed with status %s%s",
			t.action.Spec.ActionType, name, status, why(migration)))
	}
	return t.ensureStopped(ctx)
}

// begun tells whether an operator has looked at a Migration.
func begun(migration *unstructured.Unstructured) bool {
	for _, field := range []string{"stage", "status", "startTimestamp"} {
		if value, _, _ := unstructured.NestedString(migration.Object, "status", field); value != "" {
			return true
		}
	}
	return false
}

// ensureStopped turns back where something was started again while the last Migration ran, as tools do that apply manifests over and
// over: it would run in both clusters, and what it has written since is not brought along.
func (t *trip) ensureStopped(ctx context.Context) verdict {
	const doing = "making sure that applications are still stopped"
	schedule, err := t.active(ctx)
	if err != nil {
		return t.retry(doing, err)
	}
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return t.retry(doing, err)
	}
	found, err := running(ctx, engine, t.namespaces(), t.leaves(schedule, nil))
	if err != nil {
		return t.retry(doing, err)
	}
	for _, namespace := range t.namespaces() {
		if objects := found[namespace]; len(objects.Active) > 0 {
			return fail(storkv1alpha1.ReasonFailed, fmt.Sprintf("in namespace %s, %s were started again at the %s while the last Migration ran: "+
				"keep whatever does so from it, and try again", namespace, some(objects.Active), t.origin()))
		}
	}
	return proceed(t.stages.up, "starting applications at the "+t.goal())
}

// why returns what a Migration says about its end.
func why(migration *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(migration.Object, "status", "conditions")
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok && fields["type"] == storkv1alpha1.ConditionSucceeded {
			return fmt.Sprintf(": %v", fields["message"])
		}
	}
	return ""
}

func (t *trip) migrations(ctx context.Context) (dynamic.ResourceInterface, error) {
	cluster, err := t.from(ctx)
	if err != nil {
		return nil, err
	}
	return cluster.Dynamic.Resource(migrationsResource).Namespace(t.action.Namespace), nil
}

// uidPart is how much of an Action's UID is in names.
const uidPart = 7

// lastMileName is Stork's. A schedule's name that is too long is cut.
func (t *trip) lastMileName() string {
	suffix := "-lastmile-" + string(t.action.Spec.ActionType) + "-" + t.uid()[:min(len(t.uid()), uidPart)]
	name := t.schedule
	return name[:min(len(name), validation.DNS1123SubdomainMaxLength-len(suffix))] + suffix
}

func (t *trip) createLastMile(ctx context.Context, migrations dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
	schedule, err := t.active(ctx)
	if err != nil {
		return nil, err
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(t.lastMile(schedule))
	if err != nil {
		return nil, err
	}
	delete(object, "status")
	return migrations.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
}

// lastMile is the Migration: the schedule's, of the Action's namespaces. It does not say that the schedule made it, which would be
// refused where the applications are active already.
func (t *trip) lastMile(schedule *storkv1alpha1.MigrationSchedule) *storkv1alpha1.Migration {
	annotations := maps.Clone(schedule.Annotations)
	for _, key := range []string{
		storkv1alpha1.AnnotationStaticCopy, storkv1alpha1.AnnotationMigrationScheduleName, storkv1alpha1.AnnotationSuspendedBy,
		storkv1alpha1.AnnotationActivation, storkv1alpha1.AnnotationApplicationActivated, storkv1alpha1.AnnotationResourceHash,
		corev1.LastAppliedConfigAnnotation,
	} {
		delete(annotations, key)
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[storkv1alpha1.AnnotationLastMileSchedule] = schedule.Name
	migration := &storkv1alpha1.Migration{
		TypeMeta:   metav1.TypeMeta{APIVersion: storkv1alpha1.GroupVersion.String(), Kind: "Migration"},
		ObjectMeta: metav1.ObjectMeta{Namespace: t.action.Namespace, Name: t.lastMileName(), Annotations: annotations},
		Spec:       *schedule.Spec.Template.Spec.DeepCopy(),
	}
	migration.Spec.Namespaces, migration.Spec.NamespaceSelectors = t.namespaces(), nil
	migration.Spec.StartApplications = new(false)
	return migration
}

// cancelLastMile deletes the last Migration if it has not come to its end.
func (t *trip) cancelLastMile(ctx context.Context) error {
	migrations, err := t.migrations(ctx)
	if err != nil {
		return err
	}
	migration, err := migrations.Get(ctx, t.lastMileName(), metav1.GetOptions{})
	if err == nil && stageOf(migration) != storkv1alpha1.MigrationStageFinal {
		err = migrations.Delete(ctx, migration.GetName(), metav1.DeleteOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
