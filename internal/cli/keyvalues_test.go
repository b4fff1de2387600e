package cli

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKeyValues(t *testing.T) {
	tests := map[string]struct {
		text    string
		want    map[string]string
		wantErr bool
	}{
		"nothing":                    {},
		"one":                        {text: "a=b", want: map[string]string{"a": "b"}},
		"several":                    {text: "a=b,c1:a=c2:b", want: map[string]string{"a": "b", "c1:a": "c2:b"}},
		"a value with an equals":     {text: "token=a=b", want: map[string]string{"token": "a=b"}},
		"an empty value":             {text: "token=", want: map[string]string{"token": ""}},
		"no value":                   {text: "a", wantErr: true},
		"another sign between":       {text: "a:b", wantErr: true},
		"no key":                     {text: "=b", wantErr: true},
		"an empty item":              {text: "a=b,", wantErr: true},
		"the same key a second time": {text: "a=b,a=c", wantErr: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseKeyValues(test.text)
			if (err != nil) != test.wantErr {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}

func FuzzParseKeyValues(f *testing.F) {
	for _, text := range []string{"", "a=b", "a=b,c=d", "a=b=c", "=", ",", "a=b,a=c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := parseKeyValues(text)
		if err != nil {
			return
		}
		for item := range strings.SplitSeq(text, ",") {
			if key, value, _ := strings.Cut(item, "="); text != "" && pairs[key] != value {
				t.Errorf("%q: %s is %q", text, key, pairs[key])
			}
		}
		back, err := reversed(pairs)
		if err != nil {
			return
		}
		again, err := reversed(back)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(again, pairs) {
			t.Errorf("%q: twice reversed, %v became %v", text, pairs, again)
		}
	})
}
