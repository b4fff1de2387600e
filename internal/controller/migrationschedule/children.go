package migrationschedule

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// carryOut does what was written down: it creates the Migration of a new item, and suspends or resumes. It returns when to look
// again, if that is sooner than it would be otherwise.
func (p *pass) carryOut(ctx context.Context) (time.Duration, error) {
	retryAfter, err := p.createWritten(ctx)
	return retryAfter, errors.Join(err, p.setSuspend(ctx))
}

// deleteObsolete deletes old Migrations and drops their items. It does so before the status is written: a Migration that no item names
// would never be found again after a crash.
func (p *pass) deleteObsolete(ctx context.Context) error {
	var failures []error
	for kind, items := range p.schedule.Status.Items {
		p.schedule.Status.Items[kind] = slices.DeleteFunc(items, func(item *storkv1alpha1.ScheduledMigrationStatus) bool {
			if !slices.Contains(p.obsolete, item) {
				return false
			}
			migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: p.schedule.Namespace, Name: item.Name}}
			err := client.IgnoreNotFound(p.Client.Delete(ctx, migration))
			if err != nil {
				failures = append(failures, fmt.Errorf("deleting the old Migration %s: %w", item.Name, err))
			}
			return err == nil
		})
	}
	return errors.Join(failures...)
}

// createWritten creates the Migrations that were written down. One that the API server refuses has failed: it would do so for ever.
func (p *pass) createWritten(ctx context.Context) (retryAfter time.Duration, _ error) {
	for _, items := range p.schedule.Status.Items {
		for _, item := range items {
			if item.Status != storkv1alpha1.MigrationStatusInitial {
				continue
			}
			err := p.create(ctx, item.Name)
			if !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
				return 0, err // There is one at a time.
			}
			p.finish(item, storkv1alpha1.MigrationStatusFailed, err.Error())
			p.notReady(storkv1alpha1.ReasonFailed, err.Error())
			return retryDelay, p.writeStatus(ctx)
		}
	}
	return 0, nil
}

// create makes a Migration that was written down. One that is there already was made before a crash.
func (p *pass) create(ctx context.Context, name string) error {
	annotations := maps.Clone(p.schedule.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	dropOwn(annotations)
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
