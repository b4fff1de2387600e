package rule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// TrackerAnnotation holds a Tracker on the object that a Rule runs for, as Stork does, while background commands may run.
const TrackerAnnotation = storkv1alpha1.GroupName + "/pods-with-running-cmds"

// Tracker tells where background commands may run, so that another operator can end them when the one that started them died.
type Tracker struct {
	// TaskID is unique to one Run.
	TaskID string `json:"taskID"`
	// Pods that commands were started in.
	Pods []TrackedPod `json:"pods"`
	// Container is that of pods which name none; empty means a pod's first.
	Container string `json:"container"`
}

// TrackedPod is one container that a background command was started in.
type TrackedPod struct {
	// UID of the pod.
	UID types.UID `json:"uid"`
	// Namespace of the pod.
	Namespace string `json:"namespace"`
	// Container of the pod; Stork writes none.
	Container string `json:"container,omitempty"`
}

// Track stores a Tracker before the commands that it names are started. An error keeps them from being started.
type Track func(ctx context.Context, tracker Tracker) error

// taskIDs keeps a task ID harmless in names of files: whoever may annotate the object can write any.
var taskIDs = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// Marshal returns the content of TrackerAnnotation.
func (t Tracker) Marshal() (string, error) {
	content, err := json.Marshal(t)
	return string(content), err
}

// ParseTracker reads the content of TrackerAnnotation, of Stork's as well.
func ParseTracker(content string) (Tracker, error) {
	tracker := Tracker{}
	if err := json.Unmarshal([]byte(content), &tracker); err != nil {
		return Tracker{}, fmt.Errorf("annotation %s is not the JSON of a tracker: %w", TrackerAnnotation, err)
	}
	return tracker, tracker.validate()
}

func (t Tracker) validate() error {
	if !taskIDs.MatchString(t.TaskID) {
		return fmt.Errorf("taskID %.80q is not made of at most 64 letters, digits and dashes", t.TaskID)
	}
	for _, pod := range t.Pods {
		if pod.UID == "" || pod.Namespace == "" {
			return errors.New("a tracked pod has no uid or no namespace")
		}
	}
	return nil
}
