package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func TestBound(t *testing.T) {
	const timeout = 50 * time.Millisecond
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slow := func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(2 * timeout) // Longer than the bound, which has no clock but that of the context.
		_, _ = io.WriteString(w, "the end")
	}
	for name, test := range map[string]struct {
		path   string
		answer http.HandlerFunc
		ends   bool
	}{
		"ends a request without an answer": {path: "/api/v1/pods", answer: hang, ends: true},
		"ends an answer without an end": {path: "/api/v1/pods", ends: true, answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the beginning")
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}},
		"leaves an answer in time alone":  {path: "/api/v1/pods", answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the end") }},
		"leaves watches alone":            {path: "/api/v1/pods?watch=true", answer: slow},
		"leaves commands in pods alone":   {path: "/api/v1/namespaces/shop/pods/web/exec?command=ls", answer: slow},
		"leaves followed logs alone":      {path: "/api/v1/namespaces/shop/pods/web/log?follow=true", answer: slow},
		"ends a log that is not followed": {path: "/api/v1/namespaces/shop/pods/web/log", answer: hang, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			config := &rest.Config{Host: server.URL}
			Bound(config, timeout)
			client, err := rest.HTTPClientFor(config)
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			content, err := read(t, client, server.URL+test.path)
			if test.ends && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("read %q with error %v, want the deadline", content, err)
			}
			if !test.ends && (err != nil || content != "the end") {
				t.Errorf("read %q with error %v", content, err)
			}
		})
	}
}

func read(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	content, err := io.ReadAll(response.Body)
	return string(content), err
}
