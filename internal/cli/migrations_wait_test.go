package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProgress shows the same steps to a file and to a terminal.
func TestProgress(t *testing.T) {
	steps := []struct{ stage, status, details string }{
		{"Volumes", "InProgress", "volumes 0/2, resources 0/0"},
		{"Volumes", "InProgress", "volumes 1/2, resources 0/0"},
		{"Final", "Successful", "volumes 2/2, resources 0/0"},
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
			p := newProgress(out, test.live, migrationLine)
			for _, s := range steps {
				p.show(s.stage, s.status, s.details)
			}
			p.end()
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}
