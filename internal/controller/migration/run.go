package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/internal/inventory"
	"github.com/godwit-io/godwit/internal/rule"
)

// progressInterval is the time between two writes of a run's progress.
const progressInterval = 3 * time.Second

// errDeadline ends a run that took longer than Options.RunDeadline.
var errDeadline = errors.New("the run took too long")

// run takes one Migration through its stages. It starts where the status says that an earlier run ended, and each stage can be
// done again: a restarted operator continues here.
type run struct {
	*Reconciler
	job    *job
	status *statusWriter
	// stop ends the run with a cause.
	stop context.CancelCauseFunc
	// background are commands of the pre-exec rule that run until the volumes' migration was triggered; nil if none do.
	background rule.Background
}

// terminalError ends the Migration as Failed. Any other error of a stage ends the run only, which is then tried again.
type terminalError struct{ reason, message string }

func (e *terminalError) Error() string { return e.message }

// do goes through the stages. The Migration is Final when it returns nil.
func (r *run) do(ctx context.Context) error {
	ctx, cancel := r.withDeadline(ctx)
	defer cancel()
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	r.tellMissing()
	stages := []func(context.Context) error{
		r.takeOver,
		r.refuseOwnCluster,
		r.refuseActivated,
		r.runPreExecRule,
		r.migrateVolumes,
		r.refuseActivated, // Volumes can take hours.
		r.migrateObjects,
	}
	for _, stage := range stages {
		if err := stage(ctx); err != nil {
			return r.end(ctx, errors.Join(err, r.stopBackground(context.WithoutCancel(ctx))))
		}
	}
	r.metrics.finished(r.status.written)
	return nil
}

// takeOver keeps an earlier run of the Migration, if there was one, from writing its status: that run may still be alive in a process
// that lost the lease.
func (r *run) takeOver(ctx context.Context) error {
	if r.job.migration.Status.StartTimestamp == nil {
		return nil
	}
	return r.status.takeOver(ctx)
}

// withDeadline bounds the run by what is left of the Migration's time.
func (r *run) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	left := r.Options.RunDeadline
	if started := r.job.migration.Status.StartTimestamp; started != nil {
		left -= r.Clock.Since(started.Time)
	}
	return context.WithTimeoutCause(ctx, left, errDeadline)
}

// end writes down why a run ended early, where that is for good.
func (r *run) end(ctx context.Context, err error) error {
	writeCtx := context.WithoutCancel(ctx)
	var terminal *terminalError
	switch {
	case errors.Is(err, errSuperseded):
		return err
	case errors.As(err, &terminal):
		if err := r.abandon(writeCtx, r.status, terminal.reason, terminal.message); err != nil {
			return err
		}
		r.metrics.finished(r.status.written)
		return nil
	case errors.Is(context.Cause(ctx), errDeadline):
		return r.abandon(writeCtx, r.status, storkv1alpha1.ReasonDeadlineExceeded,
			fmt.Sprintf("gave up %s after the start, in stage %s: %v", r.Options.RunDeadline, r.status.written.Status.Stage, err))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	message := err.Error() + "; this will be tried again"
	r.status.event(corev1.EventTypeWarning, storkv1alpha1.ReasonFailed, "Run", message)
	return errors.Join(err, r.status.update(writeCtx, func(status *storkv1alpha1.MigrationStatus) {
		r.status.setConditions(status, metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, message)
	}))
}

// tellMissing tells of namespaces that are left out.
func (r *run) tellMissing() {
	for _, name := range r.job.missing {
		r.status.event(corev1.EventTypeWarning, storkv1alpha1.ReasonInProgress, "SkipNamespace",
			"namespace "+name+" was deleted, skipping migration")
	}
}

// outcome is what became of the objects of a Migration.
type outcome struct {
	results []apply.Result
	skipped []inventory.Skipped
	notices []string
}

// migrateObjects brings the objects and ends the Migration.
func (r *run) migrateObjects(ctx context.Context) error {
	err := r.status.stage(ctx, storkv1alpha1.MigrationStageApplications, "bringing objects")
	if err != nil {
		return err
	}
	started := r.Clock.Now()
	flow, err := r.flow(ctx)
	if err != nil {
		return err
	}
	outcome, err := flow.bring(ctx, r.progressWriter(ctx))
	if err != nil {
		return err
	}
	return r.finish(ctx, outcome, r.Clock.Since(started))
}

// flow connects to the destination.
func (r *run) flow(ctx context.Context) (*flow, error) {
	pair, err := r.Clusters.Get(ctx, r.job.pair)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(r.job.pair), err)
	}
	admin, err := r.Clusters.Get(ctx, r.job.adminPair)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(r.job.adminPair), err)
	}
	return &flow{run: r, source: r.Source, pair: pair, admin: admin}, nil
}

// progressWriter writes progress every few seconds. A write that fails is not worth ending the run for, since the next one tells
// more, unless the run does not own the Migration any more: then it has no business at the destination either.
func (r *run) progressWriter(ctx context.Context) func(apply.Progress) {
	last := r.Clock.Now()
	return func(progress apply.Progress) {
		if r.Clock.Since(last) < progressInterval {
			return
		}
		last = r.Clock.Now()
		err := r.status.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
			summary := r.summary()
			summary.TotalNumberOfResources = uint64(progress.Total)
			summary.NumberOfMigratedResources = uint64(progress.Done - progress.Failed)
			summary.ResourcesFailed = int64(progress.Failed)
			status.Summary = summary
		})
		if errors.Is(err, errSuperseded) {
			r.stop(err)
		}
	}
}

// finish stores the report and ends the Migration: Successful if every object arrived, PartialSuccess otherwise.
func (r *run) finish(ctx context.Context, outcome *outcome, elapsed time.Duration) error {
	infos := resourceInfos(outcome.results)
	inlined, all := inline(infos)
	var report *storkv1alpha1.MigrationReport
	if !all {
		var err error
		if report, err = storeReport(ctx, r.Client, r.job.migration, infos); err != nil {
			return err
		}
	}
	summary := r.summary()
	count(summary, outcome.results)
	summary.ResourcesSkipped = int64(len(outcome.skipped))
	summary.ElapsedTimeForResourceMigration = elapsed.Round(time.Millisecond).String()
	state, message := verdictOf(summary)
	return r.status.final(ctx, state, string(state), message, func(status *storkv1alpha1.MigrationStatus) {
		status.ResourceMigrationFinishTimestamp = status.FinishTimestamp
		status.Resources, status.Report, status.Summary = inlined, report, summary
		status.Notices = r.notices(outcome)
	})
}

func verdictOf(summary *storkv1alpha1.MigrationSummary) (storkv1alpha1.MigrationStatusType, string) {
	counts := fmt.Sprintf("%d created, %d updated, %d unchanged, %d purged", summary.ResourcesCreated, summary.ResourcesUpdated,
		summary.ResourcesUnchanged, summary.ResourcesPurged)
	if summary.ResourcesFailed > 0 {
		return storkv1alpha1.MigrationStatusPartialSuccess, fmt.Sprintf("%d of %d objects did not arrive, see status.resources; %s",
			summary.ResourcesFailed, summary.TotalNumberOfResources, counts)
	}
	return storkv1alpha1.MigrationStatusSuccessful, fmt.Sprintf("all %d objects are at the destination: %s",
		summary.NumberOfMigratedResources, counts)
}

func (r *run) notices(outcome *outcome) []string {
	notices := outcome.notices
	for _, name := range r.job.missing {
		notices = append(notices, "Namespace "+name+" does not exist and was left out")
	}
	for _, skipped := range outcome.skipped {
		notices = append(notices, describe(skipped.Kind, skipped.Namespace, skipped.Name)+" was left out: "+skipped.Reason)
	}
	return limitNotices(notices)
}

// summary starts a summary with what is known of the volumes.
func (r *run) summary() *storkv1alpha1.MigrationSummary {
	summary := &storkv1alpha1.MigrationSummary{
		ElapsedTimeForVolumeMigration:   storkv1alpha1.ElapsedNotApplicable,
		ElapsedTimeForResourceMigration: storkv1alpha1.ElapsedNotApplicable,
	}
	status := &r.status.written.Status
	countVolumes(summary, status.Volumes)
	if end := status.VolumeMigrationFinishTimestamp; end != nil && len(status.Volumes) > 0 && status.StartTimestamp != nil {
		summary.ElapsedTimeForVolumeMigration = end.Sub(status.StartTimestamp.Time).String()
	}
	return summary
}
