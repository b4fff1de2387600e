package cli

import (
	"slices"
	"strings"
	"testing"
)

func FuzzParseObjects(f *testing.F) {
	for _, text := range []string{"", "Deployment/shop/web", "apps/v1/Deployment/shop/web", "/v1/Pod/shop/p", "//Pod/shop/p", "a/b", "a/b/c/d", "////"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := parseObjects("include-objects", []string{text})
		if err != nil {
			return
		}
		info := objects[0]
		parts := []string{info.Kind, info.Namespace, info.Name}
		if slices.Contains(parts, "") {
			t.Errorf("%q leaves something out: %v", text, info)
		}
		if info.Group != "" {
			parts = append([]string{strings.TrimPrefix(info.Group, coreGroup), info.Version}, parts...)
		}
		if got := strings.Join(parts, "/"); got != text && !strings.HasPrefix(text, coreGroup) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
