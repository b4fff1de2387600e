package v1alpha1_test

import (
	"strings"
	"testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func TestCheckSelectors(t *testing.T) {
	long := strings.Repeat("x", 64)
	for name, test := range map[string]struct {
		selectors map[string]string
		problems  []string
	}{
		"takes none":                         {nil, nil},
		"takes labels":                       {map[string]string{"app": "web", "example.com/Team_1": "", "a.b-c": "1"}, nil},
		"refuses lists":                      {map[string]string{"app": "web,api"}, []string{`spec.selectors: app: "web,api" is no label's value`}},
		"refuses values that are too long":   {map[string]string{"app": long}, []string{`"` + long + `" is no label's value`}},
		"refuses operators":                  {map[string]string{"!app": ""}, []string{`spec.selectors: "!app" is no label's key`}},
		"refuses keys without a name":        {map[string]string{"example.com/": "x"}, []string{`"example.com/" is no label's key`}},
		"refuses prefixes of upper case":     {map[string]string{"Example.com/app": "x"}, []string{`"Example.com/app" is no label's key`}},
		"tells of all, in the order of keys": {map[string]string{"b b": "x", "a": "*"}, []string{`a: "*"`, `"b b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := storkv1alpha1.CheckSelectors("spec.selectors", test.selectors)
			if (err != nil) != (len(test.problems) > 0) {
				t.Fatalf("got %v", err)
			}
			rest := ""
			if err != nil {
				rest = err.Error()
			}
			for _, problem := range test.problems {
				_, after, found := strings.Cut(rest, problem)
				if !found {
					t.Fatalf("%q is not said in %v", problem, err)
				}
				rest = after
			}
		})
	}
}
