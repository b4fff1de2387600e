package localcluster

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAuditEvents(t *testing.T) {
	type event struct{ Verb string }
	for name, test := range map[string]struct {
		log    string
		about  string
		want   []event
		broken bool
	}{
		"are all that were written":               {log: `{"verb":"get"}` + "\n" + `{"verb":"list"}` + "\n", want: []event{{"get"}, {"list"}}},
		"are only those about something":          {log: `{"verb":"get"}` + "\n" + `{"verb":"list"}` + "\n", about: "list", want: []event{{"list"}}},
		"do not include one that is half written": {log: `{"verb":"get"}` + "\n" + `{"verb":"li`, want: []event{{"get"}}},
		"are not guessed from a broken line":      {log: `{"verb":"ge` + "\n" + `{"verb":"list"}` + "\n", broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(auditLog(folder), []byte(test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := AuditEvents[event](folder, test.about)
			if (err != nil) != test.broken {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}
