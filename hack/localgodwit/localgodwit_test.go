package localgodwit

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-io/godwit/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestStopTellsOfABrokenOperator(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want string
	}{
		"it ran well":      {log: `{"level":"info","msg":"a panic: in the middle of a line is only told of"}`},
		"it had a race":    {log: "==================\nWARNING: DATA RACE\nRead at 0x1", want: "WARNING: DATA RACE\nRead at 0x1"},
		"it panicked":      {log: "starting\npanic: assignment to entry in nil map", want: "panic: assignment to entry in nil map"},
		"its runtime died": {log: "fatal error: concurrent map writes", want: "fatal error: concurrent map writes"},
	} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			ready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if content, err := os.ReadFile(log); err != nil || !strings.Contains(string(content), test.log) {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			defer http.DefaultClient.CloseIdleConnections()
			defer ready.Close()
			operator := exec.Command("sh", "-c", `echo "$1"; exec sleep 600`, "sh", test.log)
			manager, err := Start(context.Background(), operator, log, ready.URL)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // Who stops it twice is told twice.
				err := manager.Stop()
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("Stop returned %v, want an error with %q", err, test.want)
				}
			}
		})
	}
}
