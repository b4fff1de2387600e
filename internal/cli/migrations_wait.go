package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// waitTimeout is how long --wait waits, as Stork's does.
const waitTimeout = 6 * time.Hour

// migrationLine is how Stork lines up stage and status.
const migrationLine = "%s\t\t%-20s"

// waitForMigration prints the progress of m until it is over, and returns an error unless it arrived.
func (g *globals) waitForMigration(ctx context.Context, c client.WithWatch, m *storkv1alpha1.Migration) error {
	progress := newProgress(g.Out, printers.IsTerminal(g.Out), migrationLine)
	waitsFor := ""
	err := g.waitFor(ctx, c, &storkv1alpha1.MigrationList{}, m, func(o client.Object) bool {
		m = o.(*storkv1alpha1.Migration)
		if m.Status.Stage != "" || m.Status.Status != "" {
			volumes, resources := migrationCounts(m)
			progress.show(string(m.Status.Stage), string(m.Status.Status), fmt.Sprintf("volumes %s, resources %s", volumes, resources))
		}
		g.tellWhyPending(m, &waitsFor)
		return migrationOver(m.Status.Status)
	})
	progress.end()
	if err != nil {
		return err
	}
	return g.reportEnd(m)
}

// waitFor tells done of an object as it is and whenever it changes, until that returns true. list is an empty one of its kind.
func (g *globals) waitFor(ctx context.Context, c client.WithWatch, list client.ObjectList, object client.Object, done func(client.Object) bool) error {
	timedOut := errors.New("Timed out performing task") //nolint:staticcheck // These are Stork's words.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer g.Clock.AfterFunc(waitTimeout, func() { cancel(timedOut) }).Stop()

	options := &client.ListOptions{Namespace: object.GetNamespace(), FieldSelector: fields.OneTermEqualSelector("metadata.name", object.GetName())}
	err := follow(ctx, c, list, options, func(changes []change) (bool, error) {
		if len(changes) == 0 || changes[len(changes)-1].deleted {
			kind, err := apiutil.GVKForObject(object, c.Scheme())
			return false, cmp.Or(err, fmt.Errorf("%s %s was deleted", strings.ToLower(kind.Kind), object.GetName()))
		}
		return done(changes[len(changes)-1].object), nil
	})
	if cause := context.Cause(ctx); errors.Is(cause, timedOut) {
		return cause
	}
	return err
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

// progress prints a line for each stage and status. In a terminal, the last line is live and tells details.
type progress struct {
	out  io.Writer
	live bool
	// format lines up a stage and a status.
	format string
	line   string
}

func newProgress(out io.Writer, live bool, format string) *progress {
	p := &progress{out: out, live: live, format: format}
	_, _ = fmt.Fprintln(out, fmt.Sprintf(format, "STAGE", "STATUS"))
	return p
}

func (p *progress) show(stage, status, details string) {
	line := printable(fmt.Sprintf(p.format, stage, status))
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
	// Back to the start of the line, and clear what was there.
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s %s", line, details)
}

// end leaves the cursor at the start of a line.
func (p *progress) end() {
	if p.live && p.line != "" {
		_, _ = fmt.Fprintln(p.out)
	}
}
