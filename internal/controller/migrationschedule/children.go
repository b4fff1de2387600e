package migrationschedule

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// carryOut does what was written down: it creates the Migration of a new item, deletes old ones, and suspends or resumes.
func (p *pass) carryOut(ctx context.Context) error {
	var failures []error
	for _, items := range p.schedule.Status.Items {
		for _, item := range items {
			if item.Status == storkv1alpha1.MigrationStatusInitial {
				failures = append(failures, p.create(ctx, item.Name))
			}
		}
	}
	for _, name := range p.obsolete {
		migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: p.schedule.Namespace, Name: name}}
		if err := p.Client.Delete(ctx, migration); client.IgnoreNotFound(err) != nil {
			failures = append(failures, fmt.Errorf("deleting the old Migration %s: %w", name, err))
		}
	}
	return errors.Join(append(failures, p.setSuspend(ctx))...)
}

// create makes a Migration that was written down. One that is there already was made before a crash.
func (p *pass) create(ctx context.Context, name string) error {
	annotations := maps.Clone(p.schedule.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	delete(annotations, annotationLastApplied)
	annotations[storkv1alpha1.AnnotationMigrationScheduleName] = p.schedule.Name
	err := p.Client.Create(ctx, &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.schedule.Namespace, Name: name, Annotations: annotations,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: storkv1alpha1.GroupVersion.String(), Kind: "MigrationSchedule", Name: p.schedule.Name, UID: p.schedule.UID,
			}},
		},
		Spec: *p.schedule.Spec.Template.Spec.DeepCopy(),
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating Migration %s: %w", name, err)
	}
	return nil
}

// childName is Stork's: the schedule, the kind of policy and the time in UTC. A name that would be too long is cut, and told apart
// from others by a hash.
func childName(schedule string, kind storkv1alpha1.SchedulePolicyType, now time.Time) string {
	suffix := "-" + strings.ToLower(string(kind)) + "-" + now.UTC().Format(storkv1alpha1.TimeLayout)
	limit := validation.DNS1123SubdomainMaxLength - len(suffix)
	if len(schedule) > limit {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(schedule))
		schedule = fmt.Sprintf("%s%08x", schedule[:limit-8], hash.Sum32())
	}
	return schedule + suffix
}
