package inventory

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestWholeClusterIsReadForMostOfItsNamespaces(t *testing.T) {
	for name, test := range map[string]struct {
		migrated, all int
		want          bool
	}{
		"not for one":                       {1, 2, false},
		"not for three of three":            {3, 3, false},
		"for four of four":                  {4, 4, true},
		"for a quarter":                     {10, 40, true},
		"not for less":                      {10, 41, false},
		"not if the others are not counted": {10, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &run{namespaces: map[string]string{}, clusterNamespaces: test.all}
			for i := range test.migrated {
				r.namespaces[fmt.Sprint("n", i)] = "x"
			}
			if got := r.readsWholeCluster(); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestObjectsThatTwoKindsServeAreTakenOnce(t *testing.T) {
	object := func(apiVersion string, uid types.UID) *Object {
		u := parse(t, `{apiVersion: `+apiVersion+`, kind: Thing, metadata: {name: a, namespace: shop}}`)
		return &Object{Unstructured: u, Kind: Kind{Kind: u.GroupVersionKind()}, UID: uid}
	}
	kept := (&run{}).withoutOwned([]*Object{object("new/v1", "1"), object("old/v1", "1"), object("new/v1", "2"), object("virtual/v1", ""), object("virtual/v1", "")})
	if len(kept) != 4 {
		t.Errorf("kept %d of 5 objects, want all but the second", len(kept))
	}
}
