package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
)

// sourceTimeout bounds how long the source may take to tell how its last Migration ended.
const sourceTimeout = 10 * time.Second

// confirm says what speaks against the Action and asks whether to go on, if anything does.
func (o *performAction) confirm(ctx context.Context, c client.Client, schedule *storkv1alpha1.MigrationSchedule, pair *storkv1alpha1.ClusterPair) error {
	var doubts []string
	if o.skipSource {
		doubts = append(doubts, o.fencing(schedule))
	} else if doubt := o.incomplete(ctx, c, schedule, pair); doubt != "" {
		doubts = append(doubts, doubt)
	}
	if len(doubts) == 0 {
		return nil
	}
	for _, doubt := range doubts {
		o.printlnErr("warning: " + doubt)
	}
	switch {
	case o.force:
		return nil
	case !o.Interactive:
		return fmt.Errorf("the %s has to be confirmed, and there is no terminal to ask on: run the command again with --force if it is to go on all the same", o.kind)
	}
	return o.ask(ctx)
}

// fencing says what the user has to see to, since the Action does not.
func (o *performAction) fencing(schedule *storkv1alpha1.MigrationSchedule) string {
	return fmt.Sprintf(`nothing will be done at the source. Until it is fenced, both clusters may run the applications and their data part ways. It is for you to
  - make sure that what MigrationSchedule %[1]s/%[2]s migrates does not run at the source, and cannot come back by itself
  - suspend the schedule there before its operator runs again: storkctl suspend migrationschedules %[2]s -n %[1]s`, schedule.Namespace, schedule.Name)
}

// incomplete says so if the last Migration of the schedule failed or did not bring everything. It is empty, after a warning, where that cannot
// be found out from here: the operator may reach what the user does not.
func (o *performAction) incomplete(ctx context.Context, c client.Client, schedule *storkv1alpha1.MigrationSchedule, pair *storkv1alpha1.ClusterPair) string {
	where := ""
	if o.kind == storkv1alpha1.ActionTypeFailover {
		original, err := readOriginal(ctx, c, schedule, pair)
		if err != nil {
			o.printlnErr(fmt.Sprintf("warning: it is not known whether the last Migration of MigrationSchedule %s/%s brought everything: reading it at the source: %v",
				schedule.Namespace, schedule.Name, err))
			return ""
		}
		schedule, where = original, " in the source cluster"
	}
	last := lastItem(schedule)
	became := ""
	switch {
	case last == nil:
		return ""
	case last.Status == storkv1alpha1.MigrationStatusPartialSuccess:
		became = "did not bring everything (PartialSuccess)"
	case last.Status == storkv1alpha1.MigrationStatusFailed && o.skipLastMile:
		became = "failed, and --skip-last-mile-migration makes no other one"
	case last.Status == storkv1alpha1.MigrationStatusFailed:
		became = "failed"
	default:
		return ""
	}
	return fmt.Sprintf("the last Migration %[1]s of MigrationSchedule %[2]s/%[3]s %[4]s; see `storkctl get migrations %[1]s -n %[2]s --report`%[5]s",
		last.Name, schedule.Namespace, schedule.Name, became, where)
}

// readOriginal reads, in the other cluster, the schedule that one here is a copy of: the copy knows of no Migration.
func readOriginal(ctx context.Context, c client.Client, copied *storkv1alpha1.MigrationSchedule, pair *storkv1alpha1.ClusterPair) (*storkv1alpha1.MigrationSchedule, error) {
	pool := remote.NewPool(c, remote.Options{Timeout: sourceTimeout})
	defer pool.Forget(client.ObjectKeyFromObject(pair))
	cluster, err := pool.Get(ctx, pair)
	if err != nil {
		return nil, err
	}
	found, err := cluster.Dynamic.Resource(storkv1alpha1.GroupVersion.WithResource("migrationschedules")).Namespace(copied.Namespace).
		Get(ctx, copied.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	schedule := &storkv1alpha1.MigrationSchedule{}
	return schedule, runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, schedule)
}

// lastItem returns what is known of the Migration that a schedule made last; nil if it made none.
func lastItem(schedule *storkv1alpha1.MigrationSchedule) (last *storkv1alpha1.ScheduledMigrationStatus) {
	for _, items := range schedule.Status.Items {
		for _, item := range items {
			if item != nil && (last == nil || last.CreationTimestamp.Before(item.CreationTimestamp)) {
				last = item
			}
		}
	}
	return last
}

// ask asks the user whether to go on. Anything but yes means no.
func (o *performAction) ask(ctx context.Context) error {
	_, _ = fmt.Fprintf(o.ErrOut, "Go on with the %s? [y/N] ", o.kind)
	answer := make(chan string, 1)
	// Nothing can take back a read of a terminal. After an interrupt it ends with the process.
	go func() {
		line, _ := bufio.NewReader(o.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
		return errors.New(string(o.kind) + " not confirmed: nothing was done")
	}
}
