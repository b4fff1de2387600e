package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func newGetApplicationRegistrationsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "applicationregistrations [NAME...]",
		Aliases:           []string{"applicationregistration", "appreg", "appregs"},
		Short:             "Show how custom resources are stopped and started",
		Example:           "  storkctl get applicationregistrations",
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.ApplicationRegistrationList{}),
		RunE:              g.runGet(applicationRegistrationNoun),
	}
}

func applicationRegistrationNoun() noun {
	return noun{
		resource: "applicationregistrations",
		object:   &storkv1alpha1.ApplicationRegistration{},
		list:     &storkv1alpha1.ApplicationRegistrationList{},
		columns:  []string{"NAME", "KIND", "CRD-NAME", "VERSION", "SUSPEND-OPTIONS", "KEEP-STATUS"},
		rows: func(o client.Object) [][]any {
			var rows [][]any
			for _, r := range o.(*storkv1alpha1.ApplicationRegistration).Resources {
				rows = append(rows, []any{o.GetName(), r.Kind, r.Group, r.Version, suspendCell(r.SuspendOptions), r.KeepStatus})
			}
			return rows
		},
	}
}

// suspendCell is "path,type", with ",value" where there is one; blank where nothing can be suspended.
func suspendCell(o storkv1alpha1.SuspendOptions) string {
	if o.Path == "" {
		return ""
	}
	parts := []string{o.Path, string(o.Type)}
	if o.Value != "" {
		parts = append(parts, o.Value)
	}
	return strings.Join(parts, ",")
}
