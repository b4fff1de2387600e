package migration

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

func result(name string, action apply.Action, err error) apply.Result {
	return apply.Result{
		Kind: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Source: types.NamespacedName{Namespace: "ns", Name: name},
		DestinationNamespace: "ns", Action: action, Err: err,
	}
}

func TestResourceInfosTellTheTruthWithFailuresFirst(t *testing.T) {
	moved := result("moved", apply.ActionCreated, nil)
	moved.DestinationNamespace, moved.Changes, moved.TransformedBy = "elsewhere", []string{"Replicas"}, "mine"
	got := resourceInfos([]apply.Result{
		moved,
		result("gone", apply.ActionPurged, nil),
		result("bad", "", errors.New("the server said no")),
	})
	want := []*storkv1alpha1.MigrationResourceInfo{
		{Name: "bad", Namespace: "ns", Group: "core", Version: "v1", Kind: "ConfigMap", Status: "Failed",
			Reason: "Error applying resource: the server said no"},
		{Name: "moved", Namespace: "ns", Group: "core", Version: "v1", Kind: "ConfigMap", Status: "Successful",
			Reason: "Resource migrated successfully", TransformedBy: "mine", Action: "Created", Changes: []string{"Replicas"},
			DestinationNamespace: "elsewhere"},
		{Name: "gone", Namespace: "ns", Group: "core", Version: "v1", Kind: "ConfigMap", Status: "Purged",
			Reason: "Resource is gone from the source and was deleted", Action: "Purged"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected infos (-want,+got):\n%s", diff)
	}
}

func TestCountKeepsPurgedAndFailedOutOfTheMigrated(t *testing.T) {
	summary := &storkv1alpha1.MigrationSummary{}
	count(summary, []apply.Result{
		result("a", apply.ActionCreated, nil), result("b", apply.ActionUpdated, nil), result("c", apply.ActionRecreated, nil),
		result("d", apply.ActionUnchanged, nil), result("e", apply.ActionPurged, nil), result("f", "", errors.New("no")),
	})
	want := &storkv1alpha1.MigrationSummary{
		TotalNumberOfResources: 6, NumberOfMigratedResources: 4,
		ResourcesCreated: 1, ResourcesUpdated: 2, ResourcesUnchanged: 1, ResourcesPurged: 1, ResourcesFailed: 1,
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("unexpected summary (-want,+got):\n%s", diff)
	}
}

func TestInlineResultsStayBelowTheBoundWhateverTheirNumber(t *testing.T) {
	tests := map[string]struct {
		succeeded, failed int
		wantAll           bool
		wantNone          bool
	}{
		"all of few":               {succeeded: 100, failed: 3, wantAll: true},
		"only failures of many":    {succeeded: 10_000, failed: 3},
		"none of many that passed": {succeeded: 10_000, wantNone: true},
		"as many failures as fit":  {succeeded: 10, failed: 10_000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var results []apply.Result
			for i := range test.succeeded {
				results = append(results, result(fmt.Sprint("good-", i), apply.ActionCreated, nil))
			}
			for i := range test.failed {
				results = append(results, result(fmt.Sprint("bad-", i), "", errors.New(strings.Repeat("x", 3000))))
			}
			fitting, all := inline(resourceInfos(results))
			if all != test.wantAll || (len(fitting) == 0) != test.wantNone {
				t.Errorf("%d results were inlined, all: %t", len(fitting), all)
			}
			encoded, err := json.Marshal(fitting)
			if err != nil || len(encoded) > inlineResultsLimit+2 {
				t.Errorf("the inlined results take %d bytes, error %v", len(encoded), err)
			}
			for _, info := range fitting {
				if !all && info.Status != storkv1alpha1.MigrationStatusFailed {
					t.Fatalf("%s was inlined in place of a failure", info.Name)
				}
			}
		})
	}
}

func TestAChunkOfTheWorstReasonsFitsIntoAConfigMap(t *testing.T) {
	infos := make([]*storkv1alpha1.MigrationResourceInfo, reportChunk)
	for i := range infos {
		one := result(fmt.Sprintf("%0200d", i), "", fmt.Errorf("%d %s", i, strings.Repeat("reason ", 400)))
		infos[i] = resourceInfo(&one)
	}
	compressed, err := compress(infos)
	if err != nil || len(compressed) > 1<<20 {
		t.Fatalf("%d results take %d bytes, error %v", len(infos), len(compressed), err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	var back []*storkv1alpha1.MigrationResourceInfo
	if err := json.NewDecoder(reader).Decode(&back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(infos, back); diff != "" {
		t.Errorf("the report reads back differently:\n%s", diff)
	}
}

func TestNoticesAreBoundedAndSayWhatWasCut(t *testing.T) {
	var notices []string
	for i := range 100 {
		notices = append(notices, fmt.Sprintf("notice %02d %s", i, strings.Repeat("ä", noticeLimit)))
	}
	got := limitNotices(append(notices, notices...))
	if len(got) != noticesLimit+1 || got[noticesLimit] != "and 80 more" {
		t.Errorf("%d notices, the last is %q", len(got), got[len(got)-1])
	}
	for _, notice := range got {
		if len(notice) > noticeLimit || !utf8.ValidString(notice) {
			t.Errorf("a notice of %d bytes is not cut well", len(notice))
		}
	}
}

// FuzzReport checks that the ConfigMaps of a report hold all results, in their order and as they were.
func FuzzReport(f *testing.F) {
	f.Add("web", "shop", "apps", "error: \x00<&>\u2028", "Rancher,Suspend", uint16(3))
	f.Add("", "", "", "", "", uint16(0))
	f.Add("x", "y", "", strings.Repeat("long ", 500), "", uint16(65535))
	f.Fuzz(func(t *testing.T, name, namespace, group, reason, changes string, number uint16) {
		// Few results mostly, and sometimes more than one ConfigMap's.
		count := int(number % 64)
		if number > 65000 {
			count += reportChunk
		}
		var results []apply.Result
		for i := range count {
			result := apply.Result{
				Kind:   schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Kind"},
				Source: types.NamespacedName{Namespace: namespace, Name: fmt.Sprintf("%s-%d", name, i)}, DestinationNamespace: namespace,
				Action: apply.ActionCreated, Changes: strings.Split(changes, ","),
			}
			if i%3 == 0 {
				result.Err = errors.New(reason)
			}
			results = append(results, result)
		}
		infos := resourceInfos(results)
		want, err := json.Marshal(append([]*storkv1alpha1.MigrationResourceInfo{}, infos...))
		if err != nil {
			t.Fatal(err)
		}
		unpacked := []json.RawMessage{}
		for chunk := range slices.Chunk(infos, reportChunk) {
			packed, err := compress(chunk)
			if err != nil {
				t.Fatal(err)
			}
			unpacked = append(unpacked, unpack(t, packed)...)
		}
		got, err := json.Marshal(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("want %.2000s\ngot %.2000s", want, got)
		}
	})
}

// unpack reads a part of a report as any gzip and JSON reader does.
func unpack(t *testing.T, packed []byte) (results []json.RawMessage) {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(reader).Decode(&results); err != nil {
		t.Fatal(err)
	}
	return results
}
