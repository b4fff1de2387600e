package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// TestProgress shows the same steps to a file and to a terminal.
func TestProgress(t *testing.T) {
	steps := []storkv1alpha1.MigrationStatus{
		{},
		{Stage: "Volumes", Status: "InProgress", Summary: &storkv1alpha1.MigrationSummary{TotalNumberOfVolumes: 2}},
		{Stage: "Volumes", Status: "InProgress", Summary: &storkv1alpha1.MigrationSummary{TotalNumberOfVolumes: 2, NumberOfMigratedVolumes: 1}},
		{Stage: "Final", Status: "Successful", Summary: &storkv1alpha1.MigrationSummary{TotalNumberOfVolumes: 2, NumberOfMigratedVolumes: 2}},
	}
	tests := map[string]struct {
		live bool
		want string
	}{
		"prints a line for each stage and status": {
			want: "STAGE\t\tSTATUS              \n" +
				"Volumes\t\tInProgress          \n" +
				"Final\t\tSuccessful          \n",
		},
		"counts in the last line in a terminal": {
			live: true,
			want: "STAGE\t\tSTATUS              \n" +
				"\r\x1b[KVolumes\t\tInProgress           volumes 0/2, resources 0/0" +
				"\r\x1b[KVolumes\t\tInProgress           volumes 1/2, resources 0/0\n" +
				"\r\x1b[KFinal\t\tSuccessful           volumes 2/2, resources 0/0\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := &buffer{}
			p := newProgress(out, test.live)
			for _, status := range steps {
				p.show(&storkv1alpha1.Migration{Status: status})
			}
			p.end()
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}
