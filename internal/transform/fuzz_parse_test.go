package transform

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// FuzzParsePath checks that what was read can be written, in the most careful way, and is read as the same.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"spec.a[0]", `a.'b\'.c'["d"]`, `a\.b.c\`, "[[]]..''", `'a\\'[1]["]"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parsePath(text)
		if (err == nil) != (len(steps) > 0) {
			t.Errorf("%d steps and error %v", len(steps), err)
		}
		var careful strings.Builder
		for i, s := range steps {
			switch {
			case s.key != "" && s.index != 0:
				t.Errorf("%v is both a key and an index", s)
			case s.key == "":
				careful.WriteString(s.String())
			case i == 0:
				careful.WriteString("'" + escaped(s.key) + "'")
			default:
				careful.WriteString("['" + escaped(s.key) + "']")
			}
		}
		if err != nil {
			return
		}
		if again, err := parsePath(careful.String()); err != nil || !slices.Equal(steps, again) {
			t.Errorf("%q is %q, which is read as %v, %v, want %v", text, careful.String(), again, err, steps)
		}
	})
}

func escaped(key string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) }

// FuzzParseValue checks that a value says what its text says.
func FuzzParseValue(f *testing.F) {
	for _, seed := range [][2]string{{"int", "-3"}, {"int", "0x10"}, {"bool", "t"}, {"string", "x"}, {"slice", "a,,b"}, {"slice", ""}, {"keypair", "a:b,c:d:e"}, {"keypair", "a:b,a:c"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, valueType, text string) {
		parsed, err := parseValue(storkv1alpha1.TransformValueType(valueType), text)
		if err != nil {
			return
		}
		switch value := parsed.(type) {
		case string:
			if value != text {
				t.Errorf("%q became %q", text, value)
			}
		case int64:
			if want, err := strconv.ParseInt(strings.TrimLeft(text, "+"), 10, 64); err != nil || value != want {
				t.Errorf("%q became %d", text, value)
			}
		case bool:
			if want := strings.ContainsRune("1tT", rune(text[0])); value != want {
				t.Errorf("%q became %v", text, value)
			}
		case []any:
			if got := joined(value); got != text || len(value) != strings.Count(text+",", ",") && text != "" {
				t.Errorf("%q became %q", text, value)
			}
		case map[string]any:
			for pair := range strings.SplitSeq(text, ",") {
				key, _, _ := strings.Cut(pair, ":")
				if _, ok := value[key]; !ok || strings.Contains(key, ":") {
					t.Errorf("%q has no key %q: %q", text, key, value)
				}
			}
			for key, item := range value {
				if !slices.Contains(strings.Split(text, ","), key+":"+item.(string)) {
					t.Errorf("%q does not say %s:%s", text, key, item)
				}
			}
		default:
			t.Errorf("%q became a %T", text, parsed)
		}
	})
}

func joined(list []any) string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = item.(string)
	}
	return strings.Join(texts, ",")
}

// FuzzProjectMappings checks that the mappings of the way back bring each project back.
func FuzzProjectMappings(f *testing.F) {
	f.Add("p-1", "p-2", "p-3", "p-4", false)
	f.Add("p-1", "p-2", "p-2", "p-1", true)
	f.Fuzz(func(t *testing.T, a, b, x, y string, full bool) {
		for _, id := range []string{a, b, x, y} {
			if id == "" || strings.Contains(id, ":") {
				return // No project.
			}
		}
		if a == b || x == y {
			return // There is no way back.
		}
		if full {
			a, b, x, y = "c-here:"+a, "c-here:"+b, "c-there:"+x, "c-there:"+y
		}
		there, back := newRancher(map[string]string{a: x, b: y}), newRancher(map[string]string{x: a, y: b})
		for id, want := range map[string]string{a: x, b: y} {
			to, ok := there.project(id)
			if !ok || to != want {
				t.Errorf("%s became %s, want %s", id, to, want)
			}
			if home, ok := back.project(to); !ok || home != id {
				t.Errorf("%s became %s and then %s", id, to, home)
			}
		}
	})
}
