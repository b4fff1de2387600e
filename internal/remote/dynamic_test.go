package remote

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// decoders returns client-go's decoder and the one that stands in for it.
func decoders(tb testing.TB) (theirs, ours runtime.Decoder) {
	tb.Helper()
	serializer := dynamic.ConfigFor(&rest.Config{}).NegotiatedSerializer
	theirs = serializer.DecoderToVersion(serializer.SupportedMediaTypes()[0].Serializer, nil)
	return theirs, listDecoder{theirs}
}

var lists = map[string]string{
	"a list of a built-in kind": `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":3},
"items":[{"metadata":{"name":"a"},"spec":{"n":1,"f":1.5,"deep":[{"x":null}]}},{"metadata":{"name":"b"}}]}`,
	"a list of custom resources": `{"apiVersion":"e.com/v1","kind":"WidgetList","metadata":{},"items":[{"apiVersion":"e.com/v1","kind":"Widget","metadata":{"name":"a"}}]}`,
	"an empty list":              `{"kind":"SecretList","apiVersion":"v1","metadata":{},"items":[]}`,
	"a list of nothing":          `{"kind":"SecretList","apiVersion":"v1","items":null}`,
	"a list without items":       `{"kind":"SecretList","apiVersion":"v1"}`,
	"a list of other things":     `{"kind":"SecretList","apiVersion":"v1","items":[1]}`,
	"a status":                   `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","code":500}`,
}

func TestListsAreDecodedAsClientGoDecodesThem(t *testing.T) {
	theirs, ours := decoders(t)
	for name, data := range lists {
		t.Run(name, func(t *testing.T) { compareDecoders(t, theirs, ours, []byte(data)) })
	}
}

func TestWhatIsNoListHasTheErrorOfClientGo(t *testing.T) {
	theirs, ours := decoders(t)
	for _, data := range []string{"<html>", "", "[]", `{"apiVersion":"v1","items":[]}`} {
		_, _, want := theirs.Decode([]byte(data), nil, &unstructured.UnstructuredList{})
		_, _, got := ours.Decode([]byte(data), nil, &unstructured.UnstructuredList{})
		if want == nil || got == nil || want.Error() != got.Error() {
			t.Errorf("client-go's error is %v, ours %v, of %q", want, got, data)
		}
	}
}

func FuzzListsAreDecodedAsClientGoDecodesThem(f *testing.F) {
	theirs, ours := decoders(f)
	for _, data := range lists {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareDecoders(t, theirs, ours, data) })
}

func compareDecoders(t *testing.T, theirs, ours runtime.Decoder, data []byte) {
	t.Helper()
	want, got := &unstructured.UnstructuredList{}, &unstructured.UnstructuredList{}
	_, _, wantErr := theirs.Decode(data, nil, want)
	_, _, gotErr := ours.Decode(data, nil, got)
	if wantErr != nil {
		return // Fields whose names differ in case only, of another type, are refused by client-go and passed over by us.
	}
	if gotErr != nil {
		t.Fatalf("an error of %q that client-go does not have: %v", data, gotErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of %q (-client-go,+ours):\n%s", data, diff)
	}
}
