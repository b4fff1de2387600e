package migrationschedule

import (
	"encoding/json"
	"maps"
	"slices"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// record notes on a copy which of its labels and annotations came from the schedule: only these go when the schedule has them no more.
type record struct {
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

func recordOf(copied *storkv1alpha1.MigrationSchedule) record {
	return record{Labels: slices.Sorted(maps.Keys(copied.Labels)), Annotations: slices.Sorted(maps.Keys(copied.Annotations))}
}

func (r record) String() string {
	text, _ := json.Marshal(r) // Strings can always be marshalled.
	return string(text)
}

// follow returns the annotations and labels of a copy once it has those of the schedule. What others have put there stays.
func follow(found, wanted *storkv1alpha1.MigrationSchedule) (annotations, labels map[string]string) {
	var before record
	// A record that is missing or was spoilt lets everything stay.
	_ = json.Unmarshal([]byte(found.Annotations[storkv1alpha1.AnnotationCopiedKeys]), &before)
	return replaced(found.Annotations, before.Annotations, wanted.Annotations), replaced(found.Labels, before.Labels, wanted.Labels)
}

// replaced returns live without the keys that were brought before, and with those that are wanted; nil where nothing is left.
func replaced(live map[string]string, before []string, wanted map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, live)
	for _, key := range before {
		delete(all, key)
	}
	maps.Copy(all, wanted)
	if len(all) == 0 {
		return nil
	}
	return all
}
