package faultproxy

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// Fault is what happens to some of the requests.
type Fault struct {
	// Of tells which requests it is about.
	Of Match
	// Skip spares the first ones; then every so many-th is struck, each one if Every is 0.
	Skip, Every int64
	// Times is how many are struck at most; 0 sets no bound.
	Times int64
	// Do is what happens.
	Do Effect

	seen, struck atomic.Int64
}

// Struck returns how many requests the fault has had.
func (f *Fault) Struck() int64 { return f.struck.Load() }

// strikes decides about a request. The proxy asks one at a time.
func (f *Fault) strikes(r *http.Request) bool {
	if !f.Of(r) {
		return false
	}
	seen, struck := f.seen.Add(1), f.struck.Load()
	if seen <= f.Skip || f.Every > 1 && (seen-f.Skip)%f.Every != 0 || f.Times > 0 && struck >= f.Times {
		return false
	}
	f.struck.Add(1)
	return true
}

// Match tells whether a fault is about a request.
type Match func(*http.Request) bool

// Any matches every request.
func Any(*http.Request) bool { return true }

// Creates matches what makes an object.
func Creates(r *http.Request) bool { return r.Method == http.MethodPost }

// Patches matches what changes part of an object, server-side apply included.
func Patches(r *http.Request) bool { return r.Method == http.MethodPatch }

// Deletes matches what deletes one object or several.
func Deletes(r *http.Request) bool { return r.Method == http.MethodDelete }

// Writes matches all that changes something.
func Writes(r *http.Request) bool { return isWrite(r.Method) }

// Reads matches what gets or lists objects once.
func Reads(r *http.Request) bool { return r.Method == http.MethodGet && !Watches(r) }

// Watches matches the beginning of a watch.
func Watches(r *http.Request) bool {
	return r.Method == http.MethodGet && slices.Contains([]string{"1", "true"}, r.URL.Query().Get("watch"))
}

// Continued matches the second and each further page of a list.
func Continued(r *http.Request) bool { return Reads(r) && r.URL.Query().Get("continue") != "" }

// On narrows a Match to paths with this segment or these segments, for example "configmaps" or "namespaces/shop".
func On(match Match, segments string) Match {
	return func(r *http.Request) bool { return match(r) && strings.Contains(r.URL.Path+"/", "/"+segments+"/") }
}

// Containing narrows a Match to requests whose body has this text in it.
func Containing(match Match, text string) Match {
	return func(r *http.Request) bool {
		if !match(r) {
			return false
		}
		body, err := io.ReadAll(r.Body) // The proxy has it in memory.
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && bytes.Contains(body, []byte(text))
	}
}
