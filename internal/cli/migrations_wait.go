package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// migrationTimeout is how long --wait waits, as Stork's does.
const migrationTimeout = 6 * time.Hour

// waitForMigration prints the progress of m until it is over, and returns an error unless it arrived.
func (g *globals) waitForMigration(ctx context.Context, c client.WithWatch, m *storkv1alpha1.Migration) error {
	timedOut := errors.New("Timed out performing task") //nolint:staticcheck // These are Stork's words.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer g.Clock.AfterFunc(migrationTimeout, func() { cancel(timedOut) }).Stop()

	progress := newProgress(g.Out, printers.IsTerminal(g.Out))
	waitsFor := ""
	options := &client.ListOptions{Namespace: m.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", m.Name)}
	err := follow(ctx, c, &storkv1alpha1.MigrationList{}, options, func(changes []change) (bool, error) {
		if len(changes) == 0 || changes[len(changes)-1].deleted {
			return false, fmt.Errorf("migration %s was deleted", m.Name)
		}
		m = changes[len(changes)-1].object.(*storkv1alpha1.Migration)
		progress.show(m)
		g.tellWhyPending(m, &waitsFor)
		return migrationOver(m.Status.Status), nil
	})
	progress.end()
	if cause := context.Cause(ctx); errors.Is(cause, timedOut) {
		return cause
	}
	if err != nil {
		return err
	}
	return g.reportEnd(m)
}

// tellWhyPending says what a Migration waits for, each time that it is something else.
func (g *globals) tellWhyPending(m *storkv1alpha1.Migration, told *string) {
	condition := apimeta.FindStatusCondition(m.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	if m.Status.Status != storkv1alpha1.MigrationStatusPending || condition == nil || condition.Message == *told {
		return
	}
	*told = condition.Message
	g.printlnErr("waiting: " + *told)
}

func migrationOver(status storkv1alpha1.MigrationStatusType) bool {
	switch status {
	case storkv1alpha1.MigrationStatusSuccessful, storkv1alpha1.MigrationStatusPartialSuccess, storkv1alpha1.MigrationStatusFailed:
		return true
	}
	return false
}

// reportEnd tells how a Migration ended, on the output stream in Stork's words.
func (g *globals) reportEnd(m *storkv1alpha1.Migration) error {
	reason := ""
	if condition := apimeta.FindStatusCondition(m.Status.Conditions, storkv1alpha1.ConditionSucceeded); condition != nil && condition.Message != "" {
		reason = ": " + condition.Message
	}
	hint := fmt.Sprintf("see `storkctl get migrations %s -n %s --report`", m.Name, m.Namespace)
	if m.Status.Status == storkv1alpha1.MigrationStatusFailed {
		g.println(fmt.Sprintf("Migration %s failed", m.Name))
		return fmt.Errorf("migration %s failed%s; %s", m.Name, reason, hint)
	}
	g.println(fmt.Sprintf("Migration %s completed successfully", m.Name))
	if m.Status.Status == storkv1alpha1.MigrationStatusPartialSuccess {
		g.printlnErr(fmt.Sprintf("warning: not everything arrived%s; %s", reason, hint))
	}
	return nil
}

// progress prints a line for each stage and status of a Migration. In a terminal, the last line is live and counts.
type progress struct {
	out  io.Writer
	live bool
	line string
}

func newProgress(out io.Writer, live bool) *progress {
	p := &progress{out: out, live: live}
	_, _ = fmt.Fprintln(out, progressLine("STAGE", "STATUS"))
	return p
}

func progressLine(stage, status string) string {
	return fmt.Sprintf("%s\t\t%-20s", stage, status)
}

func (p *progress) show(m *storkv1alpha1.Migration) {
	if m.Status.Stage == "" && m.Status.Status == "" {
		return
	}
	line := progressLine(string(m.Status.Stage), string(m.Status.Status))
	if !p.live {
		if line != p.line {
			_, _ = fmt.Fprintln(p.out, line)
		}
		p.line = line
		return
	}
	if p.line != "" && line != p.line {
		_, _ = fmt.Fprintln(p.out)
	}
	p.line = line
	volumes, resources := migrationCounts(m)
	// Back to the start of the line, and clear what was there.
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s volumes %s, resources %s", line, volumes, resources)
}

// end leaves the cursor at the start of a line.
func (p *progress) end() {
	if p.live && p.line != "" {
		_, _ = fmt.Fprintln(p.out)
	}
}
