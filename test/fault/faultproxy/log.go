package faultproxy

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"
)

// Request is one request in the log.
type Request struct {
	// At is when it came.
	At                  time.Time
	Method, Path, Query string
	// Object is the path of the object that is written, a new one's included; empty for a read.
	Object string
	// Body of a write.
	Body string
	// From is the client's address: one for each connection.
	From string
	// Code that the API server answered with; 0 if it was not asked or did not answer.
	Code int
	// Broken tells whether the client did not get that answer, or not all of it.
	Broken bool
}

// CarriedOut tells whether the API server did what was asked: a write that is no dry run.
func (r Request) CarriedOut() bool {
	return isWrite(r.Method) && r.Code/100 == 2 && !strings.Contains(r.Query, "dryRun=")
}

func newRequest(r *http.Request, body []byte) *Request {
	entry := &Request{At: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, From: r.RemoteAddr}
	if isWrite(r.Method) {
		entry.Body, entry.Object = string(body), r.URL.Path
	}
	if r.Method == http.MethodPost {
		var object struct{ Metadata struct{ Name string } }
		_ = json.Unmarshal(body, &object) // What is no JSON has no name that would matter.
		entry.Object = path.Join(r.URL.Path, object.Metadata.Name)
	}
	return entry
}

func isWrite(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}
