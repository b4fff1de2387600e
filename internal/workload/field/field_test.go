package field

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestGet(t *testing.T) {
	content := map[string]any{"spec": map[string]any{"replicas": int64(3), "none": nil}}
	for name, tc := range map[string]struct {
		keys      []string
		want      any
		wantFound bool
		wantErr   string
	}{
		"finds a value":                   {keys: []string{"spec", "replicas"}, want: int64(3), wantFound: true},
		"does not find an absent field":   {keys: []string{"spec", "paused"}},
		"does not find below a missing":   {keys: []string{"status", "x", "y"}},
		"takes null for absent":           {keys: []string{"spec", "none", "x"}},
		"refuses to go through a number":  {keys: []string{"spec", "replicas", "x"}, wantErr: "spec.replicas is a whole number, not an object"},
		"returns the content for no keys": {want: content, wantFound: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, found, err := Get(content, tc.keys...)
			if diff := cmp.Diff(tc.want, got); diff != "" || found != tc.wantFound {
				t.Errorf("found %v (-want,+got):\n%s", found, diff)
			}
			if text := errorText(err); text != tc.wantErr {
				t.Errorf("want error %q, got %q", tc.wantErr, text)
			}
		})
	}
}

func TestSet(t *testing.T) {
	for name, tc := range map[string]struct {
		content, want map[string]any
		keys          []string
		wantErr       string
	}{
		"makes the objects on the way": {
			content: map[string]any{}, keys: []string{"a", "b", "c"},
			want: map[string]any{"a": map[string]any{"b": map[string]any{"c": "x"}}},
		},
		"takes null for a missing object": {
			content: map[string]any{"a": nil}, keys: []string{"a", "b"}, want: map[string]any{"a": map[string]any{"b": "x"}},
		},
		"replaces a value of any type": {
			content: map[string]any{"a": []any{}}, keys: []string{"a"}, want: map[string]any{"a": "x"},
		},
		"refuses an empty object": {keys: []string{"a"}, wantErr: "the object is empty"},
		"changes nothing where the way is blocked": {
			content: map[string]any{"a": map[string]any{"b": true}}, keys: []string{"a", "b", "c"},
			want: map[string]any{"a": map[string]any{"b": true}}, wantErr: "a.b is a boolean, not an object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := Set(tc.content, "x", tc.keys...)
			if text := errorText(err); text != tc.wantErr {
				t.Errorf("want error %q, got %q", tc.wantErr, text)
			}
			if diff := cmp.Diff(tc.want, tc.content); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}

func TestRemoveAndPrune(t *testing.T) {
	for name, tc := range map[string]struct {
		content, want map[string]any
		wantRemoved   bool
	}{
		"removes what becomes empty": {
			content: map[string]any{"k": "v", "a": map[string]any{"b": map[string]any{"c": "x"}}},
			want:    map[string]any{"k": "v"}, wantRemoved: true,
		},
		"keeps what is not empty": {
			content:     map[string]any{"a": map[string]any{"k": "v", "b": map[string]any{"c": "x"}}},
			want:        map[string]any{"a": map[string]any{"k": "v"}},
			wantRemoved: true,
		},
		"keeps what was empty before": {
			content: map[string]any{"a": map[string]any{"b": map[string]any{}}},
			want:    map[string]any{"a": map[string]any{"b": map[string]any{}}},
		},
		"passes over other types": {content: map[string]any{"a": "x"}, want: map[string]any{"a": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			if removed := RemoveAndPrune(tc.content, "a", "b", "c"); removed != tc.wantRemoved {
				t.Errorf("removed %v", removed)
			}
			if diff := cmp.Diff(tc.want, tc.content); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	t.Run("are set, found and removed without leaving an empty object", func(t *testing.T) {
		obj := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"annotations": nil}}}
		for _, want := range []bool{true, false} {
			if changed, err := SetAnnotation(obj, "k", "v"); changed != want || err != nil {
				t.Fatalf("changed %v, error %v", changed, err)
			}
		}
		if value, found := Annotation(obj, "k"); value != "v" || !found {
			t.Errorf("got %q, %v", value, found)
		}
		for _, want := range []bool{true, false} {
			if RemoveAnnotations(obj, "k", "other") != want {
				t.Errorf("want removed %v", want)
			}
		}
		if diff := cmp.Diff(map[string]any{"metadata": map[string]any{}}, obj.Object); diff != "" {
			t.Errorf("(-want,+got):\n%s", diff)
		}
	})
	t.Run("of a wrong type give an error", func(t *testing.T) {
		obj := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"annotations": "x"}}}
		if _, err := SetAnnotation(obj, "k", "v"); err == nil {
			t.Error("want an error")
		}
		if RemoveAnnotations(obj, "k") {
			t.Error("removed something")
		}
	})
}

func TestMapsPassesOverOtherTypes(t *testing.T) {
	content := map[string]any{"items": []any{"x", map[string]any{"n": int64(1)}, nil, map[string]any{"n": int64(2)}}}
	var got []any
	for object := range Maps(content, "items") {
		got = append(got, object["n"])
	}
	if diff := cmp.Diff([]any{int64(1), int64(2)}, got); diff != "" {
		t.Errorf("(-want,+got):\n%s", diff)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
