package localcluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModuleFileReplacesStagingRepositories(t *testing.T) {
	upstream := `module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

require (
	github.com/blang/semver/v4 v4.0.0
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/sample-controller => ./staging/src/k8s.io/sample-controller
)
`
	want := `module kubernetes.local

go 1.26.0

require k8s.io/kubernetes v1.36.3
require k8s.io/api v0.36.3
replace k8s.io/api => k8s.io/api v0.36.3
replace k8s.io/sample-controller => k8s.io/sample-controller v0.36.3
`
	if got := string(moduleFile("v1.36.3", upstream)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestLinkerFlagsTellTheVersion(t *testing.T) {
	flags := strings.Fields(linkerFlags("v1.36.3"))
	for _, want := range []string{
		"k8s.io/component-base/version.gitVersion=v1.36.3",
		"k8s.io/component-base/version.gitMajor=1",
		"k8s.io/client-go/pkg/version.gitMinor=36",
	} {
		if !slices.Contains(flags, want) {
			t.Errorf("%s is missing in %v", want, flags)
		}
	}
}

func TestGoEnvOverridesTheCallersBuildSettings(t *testing.T) {
	callers := []string{"HOME=/home/x", "GOFLAGS=-race", "GODEBUG=panicnil=1", "GOEXPERIMENT=foo"}
	env := goEnv(callers)
	if !slices.Contains(env, "HOME=/home/x") {
		t.Errorf("HOME is lost in %v", env)
	}
	if slices.Index(env, "GOFLAGS=-mod=mod") < slices.Index(env, "GOFLAGS=-race") {
		t.Errorf("the caller's GOFLAGS count in %v", env)
	}
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "GODEBUG=") || strings.HasPrefix(v, "GOEXPERIMENT=") }) {
		t.Errorf("GODEBUG and GOEXPERIMENT are still in %v", env)
	}
}

func TestRunGoQuotesWhatGoSaid(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "go.mod"), "module x\n")
	writeFile(t, filepath.Join(folder, "x.go"), "package main\nfunc main() { undefinedThing() }\n")
	if _, err := runGo(t.Context(), folder, "build", "."); err == nil || !strings.Contains(err.Error(), "undefined: undefinedThing") {
		t.Errorf("got error %v, want the compiler's", err)
	}
}

func TestRunGoEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runGo(ctx, t.TempDir(), "version"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func TestLastLines(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"a\n":        "a",
		"a\nb\nc\n":  "b\nc",
		"a\nb\n\n\n": "a\nb",
	} {
		if got := lastLines([]byte(text), 2); got != want {
			t.Errorf("last 2 lines of %q: got %q, want %q", text, got, want)
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
