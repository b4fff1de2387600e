package migration

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/rule"
)

// runPreExecRule runs the pre-exec rule, before volumes are touched. It runs again after a restart as long as the drivers have
// not begun: what it froze is no longer frozen. A rule that fails is tried again; it does not fail the Migration (Stork's public
// documentation, "Pre and Post Exec rules").
func (r *run) runPreExecRule(ctx context.Context) error {
	if err := r.recoverCommands(ctx); err != nil {
		return err
	}
	status := &r.status.written.Status
	begun := status.Stage == storkv1alpha1.MigrationStageVolumes && len(status.Volumes) > 0
	if r.job.preRule == nil || begun || status.Stage == storkv1alpha1.MigrationStagePostExecRule ||
		status.Stage == storkv1alpha1.MigrationStageApplications {
		return nil
	}
	err := r.status.stage(ctx, storkv1alpha1.MigrationStagePreExecRule, "running pre-exec rule "+r.job.preRule.Name)
	if err != nil {
		return err
	}
	if r.background, err = r.Rules.Run(ctx, r.job.preRule, r.job.namespaceNames(), rule.Pre, r.track); err != nil {
		return fmt.Errorf("Error running PreExecRule: %w", err)
	}
	return nil
}

// runPostExecRule lets background commands of the pre-exec rule end and runs the post-exec rule. A rule that fails ends the
// Migration and what the drivers have begun (Stork's public documentation, "Pre and Post Exec rules").
func (r *run) runPostExecRule(ctx context.Context, jobs []copyJob) error {
	failure := r.stopBackground(ctx)
	stage := r.status.written.Status.Stage
	if failure == nil && r.job.postRule != nil && (len(jobs) == 0 || stage == storkv1alpha1.MigrationStagePostExecRule) {
		err := r.status.stage(ctx, storkv1alpha1.MigrationStagePostExecRule, "running post-exec rule "+r.job.postRule.Name)
		if err != nil {
			return err
		}
		_, failure = r.Rules.Run(ctx, r.job.postRule, r.job.namespaceNames(), rule.Post, nil)
	}
	if failure == nil || ctx.Err() != nil {
		return failure
	}
	return &terminalError{reason: storkv1alpha1.ReasonRuleFailed, message: fmt.Sprintf("Error running PostExecRule: %v", failure)}
}

// stopBackground lets the background commands of the pre-exec rule end: what they kept frozen has been captured.
func (r *run) stopBackground(ctx context.Context) error {
	if r.background == nil {
		return nil
	}
	background := r.background
	r.background = nil
	if err := background.Stop(ctx); err != nil {
		return fmt.Errorf("background commands of rule %s: %w", r.job.preRule.Name, err)
	}
	return r.annotateTracker(ctx, "")
}

// track notes on the Migration where background commands run, so that a restarted operator can end them.
func (r *run) track(ctx context.Context, tracker rule.Tracker) error {
	content, err := tracker.Marshal()
	if err != nil {
		return err
	}
	return r.annotateTracker(ctx, content)
}

func (r *run) annotateTracker(ctx context.Context, content string) error {
	before := r.status.written.DeepCopy()
	after := before.DeepCopy()
	if content == "" {
		delete(after.Annotations, rule.TrackerAnnotation)
	} else {
		if after.Annotations == nil {
			after.Annotations = map[string]string{}
		}
		after.Annotations[rule.TrackerAnnotation] = content
	}
	if err := r.Client.Patch(ctx, after, client.MergeFrom(before)); err != nil {
		return err
	}
	after.Status = before.Status
	r.status.written = after
	return nil
}

// recoverCommands ends background commands that an operator started which did not live to end them.
func (r *run) recoverCommands(ctx context.Context) error {
	content := r.status.written.Annotations[rule.TrackerAnnotation]
	if content == "" {
		return nil
	}
	tracker, err := rule.ParseTracker(content)
	if err == nil {
		err = r.Rules.Recover(ctx, tracker, r.job.namespaceNames())
	}
	if err != nil {
		// They end by themselves after a while; what must not happen is that nothing is migrated ever again.
		log.FromContext(ctx).Error(err, "Background commands of an earlier run could not be ended")
		r.status.event(corev1.EventTypeWarning, storkv1alpha1.ReasonRuleFailed, "Recover", err.Error())
	}
	return r.annotateTracker(ctx, "")
}
