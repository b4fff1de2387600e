package apply

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func hashOf(tb testing.TB, object map[string]any, owners ...owner) string {
	tb.Helper()
	hash, err := contentHash(object, owners)
	if err != nil {
		tb.Fatal(err)
	}
	return hash
}

func TestContentHash(t *testing.T) {
	object := func() map[string]any {
		return map[string]any{"kind": "ConfigMap", "data": map[string]any{"a": "1", "b": "2", "c": "3"}, "n": int64(3)}
	}
	if got, want := hashOf(t, object()), "6971942191409109278"; got != want {
		t.Errorf("got %s, want %s: a hash that differs from that of the last release has every object written again", got, want)
	}
	for name, test := range map[string]struct {
		change func(map[string]any)
		same   bool
	}{
		"does not depend on the order of keys": {func(o map[string]any) {
			reversed := map[string]any{}
			for _, key := range []string{"c", "b", "a"} {
				reversed[key] = o["data"].(map[string]any)[key]
			}
			o["data"] = reversed
		}, true},
		"does not depend on the type of a whole number": {func(o map[string]any) { o["n"] = float64(3) }, true},
		"depends on a value":                            {func(o map[string]any) { o["data"].(map[string]any)["a"] = "2" }, false},
		"depends on a key":                              {func(o map[string]any) { o["data"].(map[string]any)["d"] = "" }, false},
		"depends on whether a value is a number":        {func(o map[string]any) { o["n"] = "3" }, false},
		"depends on where a value is":                   {func(o map[string]any) { maps.Copy(o, o["data"].(map[string]any)); delete(o, "data") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			changed := object()
			test.change(changed)
			if same := hashOf(t, changed) == hashOf(t, object()); same != test.same {
				t.Errorf("the same hash: %t, want %t", same, test.same)
			}
		})
	}
	t.Run("depends on the owners, but not on their UIDs", func(t *testing.T) {
		of := func(name string) owner {
			return owner{entry: &entry{uid: "x"}, reference: metav1.OwnerReference{Kind: "Deployment", Name: name}}
		}
		a, b, none := hashOf(t, object(), of("a")), hashOf(t, object(), of("b")), hashOf(t, object())
		if a == b || a == none {
			t.Errorf("got %s for a, %s for b, %s for no owner", a, b, none)
		}
		recreated := of("a")
		recreated.entry.uid = "y"
		if hashOf(t, object(), recreated) != a {
			t.Error("an owner with another UID changed it")
		}
	})
	t.Run("fails on what is no JSON", func(t *testing.T) {
		if _, err := contentHash(map[string]any{"a": func() {}}, nil); err == nil {
			t.Error("got no error")
		}
	})
}

func FuzzContentHash(f *testing.F) {
	f.Add(`{"a":{"b":[1,"c",true,null,1.5,{}]},"z":"\u2028<&>"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var object, again map[string]any
		if json.Unmarshal([]byte(text), &object) != nil {
			t.Skip("there is nothing to hash: the input is no JSON object")
		}
		copied, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(copied, &again); err != nil {
			t.Fatal(err)
		}
		if hashOf(t, object) != hashOf(t, again) {
			t.Errorf("%s has another hash after a way through JSON", text)
		}
	})
}

func BenchmarkContentHash(b *testing.B) {
	object := fromJSON(b, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"b","labels":{"app":"x"}},
		"data":{"a":"`+strings.Repeat("x", 512)+`","b":"`+strings.Repeat("y", 512)+`"}}`)
	b.ReportAllocs()
	for b.Loop() {
		hashOf(b, object)
	}
}
