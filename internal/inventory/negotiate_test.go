package inventory

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestNegotiate(t *testing.T) {
	source := func(versions ...string) Resource {
		return Resource{GroupResource: schema.GroupResource{Group: "g", Resource: "things"}, Kind: "Thing", Versions: versions}
	}
	for name, test := range map[string]struct {
		source      []string
		destination []string
		comes       bool
		want        string
		notice      string
	}{
		"takes what both prefer":                      {source: []string{"v1"}, destination: []string{"v1"}, want: "v1"},
		"takes what the source prefers":               {source: []string{"v1beta1", "v1"}, destination: []string{"v1", "v1beta1"}, want: "v1beta1"},
		"takes the most stable that both serve":       {source: []string{"v2", "v1alpha1", "v1beta1", "v1beta2"}, destination: []string{"v1alpha1", "v1beta1", "v1beta2"}, want: "v1beta2", notice: "read as v1beta2 and not as v2"},
		"prefers a release to a later beta":           {source: []string{"v3", "v2beta1", "v1"}, destination: []string{"v2beta1", "v1"}, want: "v1", notice: "read as v1 and not as v3"},
		"says that the destination is too new":        {source: []string{"v1beta1"}, destination: []string{"v1"}, want: "v1beta1", notice: "may be refused"},
		"says that the destination lacks the kind":    {source: []string{"v1"}, want: "v1", notice: "does not serve this kind"},
		"says nothing if the definition comes along":  {source: []string{"v1", "v1beta1"}, comes: true, want: "v1"},
		"knows versions that are none of Kubernetes'": {source: []string{"v2", "foo", "v1"}, destination: []string{"foo", "v1"}, want: "v1", notice: "read as v1"},
	} {
		t.Run(name, func(t *testing.T) {
			var destination *Resource
			if test.destination != nil {
				destination = new(source(test.destination...))
			}
			got, notice := negotiate(source(test.source...), destination, test.comes)
			if got != test.want || (notice == "") != (test.notice == "") || !strings.Contains(notice, test.notice) {
				t.Errorf("got %q, %q; want %q, %q", got, notice, test.want, test.notice)
			}
			if notice != "" && !strings.HasPrefix(notice, "Thing.g: ") {
				t.Errorf("the notice does not name the kind: %q", notice)
			}
		})
	}
}
