package cli

import "testing"

func TestPrintableSteersNoTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\n":             "plain\ttext\n",
		"\x1b[2Jgone\x07":           "[2Jgone",
		"über \u202ereversed\u0000": "über reversed",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
