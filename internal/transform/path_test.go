package transform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePath(t *testing.T) {
	key := func(key string) step { return step{key: key} }
	for name, tc := range map[string]struct {
		path    string
		want    []step
		wantErr string
	}{
		"keys":                          {path: "spec.type", want: []step{key("spec"), key("type")}},
		"one key":                       {path: "data", want: []step{key("data")}},
		"a key with a slash":            {path: "metadata.labels.app/x", want: []step{key("metadata"), key("labels"), key("app/x")}},
		"indexes":                       {path: "a.b[0][12].c", want: []step{key("a"), key("b"), {index: 0}, {index: 12}, key("c")}},
		"a quoted key":                  {path: "a.'b.c/d'.e", want: []step{key("a"), key("b.c/d"), key("e")}},
		"a double-quoted key":           {path: `a."b.c[0]"`, want: []step{key("a"), key("b.c[0]")}},
		"a key in brackets":             {path: "a['b.c/d'][1]", want: []step{key("a"), key("b.c/d"), {index: 1}}},
		"an escaped dot":                {path: `a.b\.c/d`, want: []step{key("a"), key("b.c/d")}},
		"an escaped quote":              {path: `a.'b\'c'`, want: []step{key("a"), key("b'c")}},
		"a quote within a key":          {path: "a.b'c", want: []step{key("a"), key("b'c")}},
		"a first key in quotes":         {path: "'a.b'.c", want: []step{key("a.b"), key("c")}},
		"nothing":                       {path: "", wantErr: "a key is empty"},
		"an empty key":                  {path: "a..b", wantErr: "a key is empty"},
		"an empty first key":            {path: ".a", wantErr: "a key is empty"},
		"an empty last key":             {path: "a.", wantErr: "a key is empty"},
		"an index first":                {path: "[0].a", wantErr: "a key is empty"},
		"an empty quoted key":           {path: "a.''", wantErr: "a key is empty"},
		"an open quote":                 {path: "a.'b", wantErr: "the quote is not closed"},
		"an open bracket":               {path: "a[0", wantErr: "the bracket is not closed"},
		"an open bracket after a quote": {path: "a['b'", wantErr: "the bracket is not closed"},
		"a negative index":              {path: "a[-1]", wantErr: "must be a whole number from 0"},
		"a wildcard":                    {path: "a[*]", wantErr: "must be a whole number from 0"},
		"an index beyond all bounds":    {path: "a[99999999999]", wantErr: "must be a whole number from 0"},
		"text after a bracket":          {path: "a[0]b", wantErr: "a dot or a bracket must follow"},
		"text after a quote":            {path: "a.'b'c", wantErr: "a dot or a bracket must follow"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parsePath(tc.path)
			wantError(t, err, tc.wantErr)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(step{})); diff != "" && err == nil {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}
