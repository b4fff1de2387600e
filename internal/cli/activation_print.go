package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/activation"
)

// printReport tells what became of each object, in Stork's words where it has any, and returns the number of failures.
func (a *activationCommand) printReport(report activation.Report) (failed int) {
	for _, unlisted := range report.Unlisted {
		if unlisted.Stashed {
			a.printlnErr(fmt.Sprintf("Error listing stashed configmaps: %v", unlisted.Err))
			continue
		}
		a.printlnErr(fmt.Sprintf("Error listing %s: %v", unlisted.Resource, unlisted.Err))
	}
	failed = len(report.Unlisted)
	for i := range report.Outcomes {
		failed += a.printOutcome(&report.Outcomes[i])
	}
	return failed
}

func (a *activationCommand) printOutcome(o *activation.Outcome) (failed int) {
	if o.Err != nil {
		a.printlnErr(failureLine(o))
		return 1
	}
	switch o.Step {
	case activation.StepSwitch:
		a.println(successLine(o))
	case activation.StepCreate:
		a.println(fmt.Sprintf("Successfully created the CRs from the stashed configmaps %s/%s", o.Kind.Kind, o.Object.GetName()))
	case activation.StepSkip:
		a.printlnErr(fmt.Sprintf("Warn: Skipping CR update %s-%s/%s, annotations not found", strings.ToLower(o.Kind.Kind), o.Namespace, o.Name))
	case activation.StepNone:
	}
	for _, pod := range slices.Sorted(maps.Keys(o.PodErrs)) {
		if pod == "" {
			a.printlnErr(fmt.Sprintf("Error getting pods for %s : %v", described(o), o.PodErrs[pod]))
			continue
		}
		a.printlnErr(fmt.Sprintf("Error deleting pod %s for %s : %v", pod, described(o), o.PodErrs[pod]))
	}
	return len(o.PodErrs)
}

// described is how the output names an object.
func described(o *activation.Outcome) string {
	return strings.ToLower(o.Kind.Kind) + " " + o.Namespace + "/" + o.Name
}

func successLine(o *activation.Outcome) string {
	what := described(o)
	switch o.Manner {
	case activation.ByReplicas:
		replicas, _, _ := unstructured.NestedInt64(o.Object.Object, "spec", "replicas")
		return fmt.Sprintf("Updated replicas for %s to %d", what, replicas)
	case activation.BySuspend:
		suspend, _, _ := unstructured.NestedBool(o.Object.Object, "spec", "suspend")
		return fmt.Sprintf("Updated suspend option for %s to %t", what, suspend)
	case activation.ByRegistration:
		return "Updated CR for " + what
	case activation.ByOther:
	}
	return "Updated " + what
}

func failureLine(o *activation.Outcome) string {
	what := described(o)
	switch {
	case o.ConfigMap != "":
		return fmt.Sprintf("Error creating the CR from the stashed configmap %s/%s : %v", o.Namespace, o.ConfigMap, o.Err)
	case o.Manner == activation.ByReplicas:
		return fmt.Sprintf("Error updating replicas for %s : %v", what, o.Err)
	case o.Manner == activation.BySuspend:
		return fmt.Sprintf("Error updating suspend option for %s : %v", what, o.Err)
	case o.Manner == activation.ByRegistration:
		return fmt.Sprintf("Error updating CR %s: %v", what, o.Err)
	}
	return fmt.Sprintf("Error updating %s : %v", what, o.Err)
}

// shownActive is how many objects stillActiveLine names.
const shownActive = 10

// stillActiveLine says why a MigrationSchedule is not told that its applications have stopped.
func stillActiveLine(o *activation.ScheduleOutcome) string {
	names := o.Active
	if more := len(names) - shownActive; more > 0 {
		names = append(slices.Clone(names[:shownActive]), fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("Leaving the ApplicationActivated status in the MigrationSchedule %s at true, for these still run here and would be migrated over: %s",
		o.NamespacedName, strings.Join(names, ", "))
}
