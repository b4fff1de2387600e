package remote

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shapes are lists of what is small in JSON and large in memory.
var shapes = map[string]string{
	"maps":         `[` + strings.Repeat(`{},`, 50000) + `0]`,
	"maps of one":  `[` + strings.Repeat(`{"":0},`, 50000) + `0]`,
	"maps of nine": `[` + strings.Repeat(`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0},`, 5000) + `0]`,
	"lists":        `[` + strings.Repeat(`[],`, 50000) + `0]`,
	"lists of one": `[` + strings.Repeat(`[0],`, 50000) + `0]`,
	"numbers":      `[` + strings.Repeat(`0,`, 100000) + `0]`,
	"fractions":    `[` + strings.Repeat(`1e9,`, 50000) + `0]`,
	"strings":      `[` + strings.Repeat(`"",`, 50000) + `0]`,
	"escapes":      `["` + strings.Repeat(`\\\"{[,:`, 50000) + `"]`,
	"long text":    `["` + strings.Repeat(`x`, 1<<20) + `"]`,
	"one map":      manyKeys(),
	"nested maps":  strings.Repeat(`{"a":`, 5000) + `0` + strings.Repeat(`}`, 5000),
	"nested lists": strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000),
}

func manyKeys() string {
	var text strings.Builder
	text.WriteString(`{"a":0`)
	for i := range 50000 {
		fmt.Fprintf(&text, `,"%d":0`, i)
	}
	return text.String() + `}`
}

func TestJSONWeighsWhatItTakesInMemory(t *testing.T) {
	for name, content := range shapes {
		t.Run(name, func(t *testing.T) {
			var whole, inPieces weight
			weighs := whole.add([]byte(content))
			var sum int64
			for piece := range strings.SplitSeq(content, `,`) {
				sum += inPieces.add([]byte(piece)) + inPieces.add([]byte(`,`))
			}
			if sum -= inPieces.add([]byte(`,`)); sum != weighs {
				t.Errorf("it weighs %d in pieces and %d as a whole", sum, weighs)
			}
			if takes := memoryOf(t, content); weighs < takes || weighs > 20*takes {
				t.Errorf("%d bytes weigh %d and take %d", len(content), weighs, takes)
			}
		})
	}
}

// memoryOf returns what a document takes when it was decoded.
func memoryOf(t *testing.T, content string) int64 {
	t.Helper()
	var before, after runtime.MemStats
	var decoded any
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := json.Unmarshal([]byte(content), &decoded); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(decoded)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func TestRefusalsTellNothingOfTheCredential(t *testing.T) {
	for name, echo := range map[string]func(header string) string{
		"in a status": func(header string) string {
			return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"you sent %s","reason":"Invalid","code":422}`, header)
		},
		"in text": func(header string) string { return "Authorization: " + header },
		"twice":   func(header string) string { return header + header },
		"in a map": func(header string) string {
			return fmt.Sprintf(`{"message":%q}`, strings.TrimPrefix(header, "Bearer "))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(w, echo(r.Header.Get("Authorization")))
			})
			_, err := cluster.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).List(t.Context(), metav1.ListOptions{})
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), planted) {
				t.Errorf("the error is %v", err)
			}
			if name == "in a status" && !strings.Contains(err.Error(), "you sent Bearer [redacted]") {
				t.Errorf("the error is %v, want the rest of the message", err)
			}
		})
	}
	t.Run("that are no HTTP", func(t *testing.T) {
		cluster := serveHTTP1(t, func(w http.ResponseWriter, r *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, r.Header.Get("Authorization")+"\r\n\r\n")
				_ = connection.Close()
			}
		})
		_, err := cluster.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).List(t.Context(), metav1.ListOptions{})
		if !errors.Is(err, errNoHTTP) || strings.Contains(err.Error(), planted) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("of a watch", func(t *testing.T) {
		cluster := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for range 100 {
				_, _ = io.WriteString(w, r.Header.Get("Authorization"))
			}
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		_, err := cluster.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Watch(t.Context(), metav1.ListOptions{})
		if !apierrors.IsForbidden(err) || strings.Contains(err.Error(), planted) {
			t.Errorf("the error is %v", err)
		}
	})
}

// serveHTTP1 is for handlers that take over the connection.
func serveHTTP1(t *testing.T, handler http.HandlerFunc) *Cluster {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return connect(t, server, Options{})
}

func TestSecretsInAuthorization(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte(`user:pass"word:x`))
	for name, tc := range map[string]struct {
		header string
		want   []string
	}{
		"none":              {"", nil},
		"a token":           {"Bearer abcdef", []string{"abcdef", "abcdef"}},
		"a short one":       {"Bearer abc", nil},
		"no scheme":         {"abcdef", nil},
		"a password":        {"Basic " + basic, []string{basic, basic, `pass"word:x`, `pass\"word:x`}},
		"a short password":  {"Basic dTpwdw==", []string{"dTpwdw==", "dTpwdw=="}},
		"basic but no pair": {"basic !!!!", []string{"!!!!", "!!!!"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := secretsIn(tc.header); strings.Join(got, " ") != strings.Join(tc.want, " ") {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
