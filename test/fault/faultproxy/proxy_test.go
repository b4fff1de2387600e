package faultproxy

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// site is an API server that counts what it is asked, a proxy in front of it, and a client.
type site struct {
	*testing.T
	proxy  *Proxy
	client *http.Client
	url    string
	asked  atomic.Int64
	began  time.Time
}

const answer = `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}`

// newSite has the server answer by serve; nil answers with a ConfigMap. The client speaks HTTP/1.1 if http1 is set.
func newSite(t *testing.T, http1 bool, serve http.HandlerFunc) *site {
	t.Helper()
	s := &site{T: t, began: time.Now()}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if serve != nil {
			serve(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	proxy, err := Start(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: authority}})
	s.must(err)
	t.Cleanup(proxy.Close)
	kubeconfig, err := proxy.Kubeconfig()
	s.must(err)
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	s.must(err)
	if http1 {
		config.NextProtos = []string{"http/1.1"}
	}
	transport, err := rest.TransportFor(config)
	s.must(err)
	s.proxy, s.url, s.client = proxy, config.Host+"/api/v1/namespaces/shop/configmaps", &http.Client{Transport: transport}
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// send returns the code and what could be read of the answer.
func (s *site) send(method, query, body string) (int, string, error) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+query, strings.NewReader(body))
	s.must(err)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

func (s *site) expect(asked int64, requests ...Request) {
	s.Helper()
	if got := s.asked.Load(); got != asked {
		s.Errorf("the API server was asked %d times, want %d", got, asked)
	}
	log := s.proxy.Requests()
	if len(log) != len(requests) {
		s.Fatalf("the log has %d requests, want %d: %+v", len(log), len(requests), log)
	}
	for i, want := range requests {
		got := log[i]
		if got.From == "" {
			s.Errorf("request %d is from nobody", i)
		}
		if got.At.Before(s.began) || got.At.After(time.Now()) {
			s.Errorf("request %d came at %s", i, got.At)
		}
		got.From, got.At = "", time.Time{}
		if got != want {
			s.Errorf("request %d is %+v, want %+v", i, got, want)
		}
	}
}

const where = "/api/v1/namespaces/shop/configmaps"

func created(code int, broken bool) Request {
	return Request{Method: http.MethodPost, Path: where, Object: where + "/a", Body: answer, Code: code, Broken: broken}
}

func TestForwardsAndNotes(t *testing.T) {
	for name, http1 := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, http1, nil)
			code, body, err := s.send(http.MethodPost, "", answer)
			if code != 200 || body != answer || err != nil {
				t.Errorf("got %d %q %v", code, body, err)
			}
			s.expect(1, created(200, false))
			if !s.proxy.Requests()[0].CarriedOut() {
				t.Error("the write was carried out")
			}
		})
	}
}

func TestEffects(t *testing.T) {
	for name, test := range map[string]struct {
		do Effect
		// code that the client sees; 0 if it sees none or not all of the answer.
		code int
		// carriedOut tells whether the API server was asked.
		carriedOut bool
		// says is part of the answer.
		says string
	}{
		"an error":             {do: InternalError(), code: 500, says: "leader changed"},
		"not ready":            {do: Unavailable(), code: 503, says: "not ready"},
		"an expired list":      {do: Expired(), code: 410, says: `"reason":"Expired"`},
		"too many requests":    {do: TooManyRequests(7), code: 429, says: `"code":429`},
		"a bad gateway":        {do: BadGateway(), code: 502, says: "<html>"},
		"a reset before":       {do: Reset()},
		"an abort before":      {do: AbortStream()},
		"a reset after":        {do: LoseAnswer(), carriedOut: true},
		"an abort after":       {do: AbortAnswer(), carriedOut: true},
		"a slow answer":        {do: Slow(time.Millisecond), carriedOut: true, code: 200, says: answer},
		"a function before it": {do: Before(func(*http.Request) {}), carriedOut: true, code: 200, says: answer},
		"a function after it":  {do: After(func(*http.Request) {}), carriedOut: true, code: 200, says: answer},
	} {
		for protocol, http1 := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				s := newSite(t, http1, nil)
				fault := &Fault{Of: Creates, Do: test.do}
				s.proxy.Inject(fault)
				code, body, err := s.send(http.MethodPost, "", answer)
				if test.code == 0 && err == nil || test.code != 0 && (err != nil || code != test.code) || !strings.Contains(body, test.says) {
					t.Errorf("got %d %q %v", code, body, err)
				}
				asked, logged := int64(0), 0
				if test.carriedOut {
					asked, logged = 1, 200
				}
				s.expect(asked, created(logged, test.carriedOut && test.code == 0))
				if fault.Struck() != 1 {
					t.Errorf("the fault has had %d requests", fault.Struck())
				}
			})
		}
	}
}

func TestSaysHowLongToWait(t *testing.T) {
	s := newSite(t, false, nil)
	s.proxy.Inject(&Fault{Of: Any, Do: TooManyRequests(7)})
	response, err := s.client.Get(s.url)
	s.must(err)
	s.must(response.Body.Close())
	if got := response.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q", got)
	}
}

func TestLosesOneRequestAndKeepsTheConnection(t *testing.T) {
	s := newSite(t, false, nil)
	s.proxy.Inject(&Fault{Of: Any, Times: 1, Do: AbortAnswer()})
	if _, _, err := s.send(http.MethodGet, "", ""); err == nil {
		t.Error("the first answer should be broken off")
	}
	if code, _, err := s.send(http.MethodGet, "", ""); code != 200 || err != nil {
		t.Errorf("got %d %v", code, err)
	}
	if log := s.proxy.Requests(); log[0].From != log[1].From {
		t.Error("the second request came over another connection")
	}
}

func TestStrikesAsOftenAsItShould(t *testing.T) {
	s := newSite(t, false, nil)
	fault := &Fault{Of: Reads, Skip: 2, Every: 2, Times: 2, Do: Unavailable()}
	s.proxy.Inject(fault)
	var got []int
	for range 8 {
		code, _, err := s.send(http.MethodGet, "", "")
		s.must(err)
		got = append(got, code)
	}
	want := []int{200, 200, 200, 503, 200, 503, 200, 200}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	s.proxy.Inject(&Fault{Of: Reads, Do: Unavailable()})
	if code, _, _ := s.send(http.MethodGet, "", ""); code != 503 {
		t.Error("the second fault has what the first one leaves")
	}
}

func TestHeals(t *testing.T) {
	s := newSite(t, false, nil)
	fault := &Fault{Of: Any, Do: Unavailable()}
	s.proxy.Inject(fault)
	s.proxy.Heal(fault)
	if code, _, _ := s.send(http.MethodGet, "", ""); code != 200 || fault.Struck() != 0 {
		t.Errorf("got %d after the fault had %d requests", code, fault.Struck())
	}
}

func TestMatches(t *testing.T) {
	request := func(method, target string) *http.Request {
		return httptest.NewRequest(method, target, strings.NewReader("a body"))
	}
	for name, test := range map[string]struct {
		match Match
		of    *http.Request
		want  bool
	}{
		"a creation":                   {Creates, request("POST", "/x"), true},
		"a deletion":                   {Deletes, request("DELETE", "/x"), true},
		"a patch":                      {Patches, request("PATCH", "/x"), true},
		"an update is a write":         {Writes, request("PUT", "/x"), true},
		"a read is no write":           {Writes, request("GET", "/x"), false},
		"a read":                       {Reads, request("GET", "/x?limit=5"), true},
		"a watch is no read":           {Reads, request("GET", "/x?watch=true"), false},
		"a watch":                      {Watches, request("GET", "/x?watch=1"), true},
		"a second page":                {Continued, request("GET", "/x?continue=abc"), true},
		"a first page":                 {Continued, request("GET", "/x?limit=5"), false},
		"a kind":                       {On(Any, "secrets"), request("GET", "/api/v1/secrets"), true},
		"an object of the kind":        {On(Any, "secrets"), request("GET", "/api/v1/namespaces/a/secrets/b"), true},
		"a namespace":                  {On(Any, "namespaces/a"), request("GET", "/api/v1/namespaces/a/secrets"), true},
		"a namespace with such a name": {On(Any, "namespaces/a"), request("GET", "/api/v1/namespaces/ab/secrets"), false},
		"a kind that is not read":      {On(Creates, "secrets"), request("GET", "/api/v1/secrets"), false},
		"a text":                       {Containing(Any, "bod"), request("POST", "/x"), true},
		"another text":                 {Containing(Any, "soul"), request("POST", "/x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.match(test.of); got != test.want {
				t.Errorf("got %t", got)
			}
			if body, err := io.ReadAll(test.of.Body); string(body) != "a body" || err != nil {
				t.Errorf("the body is %q, %v", body, err)
			}
		})
	}
}

func TestSwallowsUntilTheClientIsTired(t *testing.T) {
	s := newSite(t, false, nil)
	s.proxy.Inject(&Fault{Of: Any, Do: Swallow()})
	s.client.Timeout = 50 * time.Millisecond
	_, _, err := s.send(http.MethodGet, "", "")
	if timeout := (interface{ Timeout() bool })(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
	if s.asked.Load() != 0 {
		t.Error("the API server was asked")
	}
}

// stream answers with one line and then nothing until the client goes.
func stream(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "first\n")
	flush(w)
	<-r.Context().Done()
}

func TestSendsPiecesOnAtOnceAndCutsWatches(t *testing.T) {
	s := newSite(t, false, stream)
	fault := &Fault{Of: Watches, Do: Cut(10 * time.Millisecond)}
	s.proxy.Inject(fault)
	_, body, err := s.send(http.MethodGet, "?watch=true", "")
	if body != "first\n" || err == nil {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestCarriesWritesOutThoughTheClientIsGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	release := make(chan struct{})
	s := newSite(t, false, func(w http.ResponseWriter, _ *http.Request) {
		leave()
		<-release
		_, _ = io.WriteString(w, answer)
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(answer))
	s.must(err)
	if response, err := s.client.Do(request); err == nil {
		t.Errorf("the client should have left, and got %v", errors.Join(errors.New(response.Status), response.Body.Close()))
	}
	close(release)
	for !s.proxy.Requests()[0].CarriedOut() { // Or the test's time is over.
		runtime.Gosched()
	}
}

func TestResetsTheClientWhereTheServerIsGone(t *testing.T) {
	s := newSite(t, false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if code, _, err := s.send(http.MethodPost, "", answer); err == nil {
		t.Errorf("got %d", code)
	}
}

func TestDryRunsAreNotCarriedOut(t *testing.T) {
	s := newSite(t, false, nil)
	_, _, err := s.send(http.MethodPost, "?dryRun=All", answer)
	s.must(err)
	if s.proxy.Requests()[0].CarriedOut() {
		t.Error("a dry run changes nothing")
	}
}

func TestServesManyAtOnce(t *testing.T) {
	s := newSite(t, false, nil)
	fault := &Fault{Of: Any, Every: 2, Do: Unavailable()}
	s.proxy.Inject(fault)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { _, _, _ = s.send(http.MethodPost, "", answer) })
		group.Go(func() { s.proxy.Requests() })
	}
	group.Wait()
	if fault.Struck() != 25 || s.asked.Load() != 25 {
		t.Errorf("%d requests had the fault and %d came through, want 25 of each", fault.Struck(), s.asked.Load())
	}
}
