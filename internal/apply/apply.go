package apply

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Item is one object to bring to the destination.
type Item struct {
	// Object as it shall be. Released (nil) once it was dealt with.
	Object *unstructured.Unstructured
	// Resource it is written by.
	Resource schema.GroupVersionResource
	// Namespaced tells whether it is in a namespace.
	Namespaced bool
	// Source names it at the source, for the report.
	Source types.NamespacedName
	// SourceKind is its kind at the source, for the report; a stashed custom resource becomes a ConfigMap.
	SourceKind schema.GroupVersionKind
	// SourceUID is its UID at the source: owners are found by it.
	SourceUID types.UID
	// Owners are its owner references at the source. Those whose UID is that of another Item become references to what that
	// Item is at the destination; all others are dropped.
	Owners []metav1.OwnerReference
	// Changes and TransformedBy are passed on to the report.
	Changes       []string
	TransformedBy string
}

// Provenance is written on every object.
type Provenance struct {
	// MigrationName and MigrationNamespace name the Migration.
	MigrationName      string
	MigrationNamespace string
	// Time of the run.
	Time time.Time
}

// Purge says what to delete at the destination. The zero value deletes nothing.
type Purge struct {
	// Enabled is spec.purgeDeletedResources.
	Enabled bool
	// Kinds to look at; only namespaced ones are.
	Kinds []Kind
	// Namespaces at the destination to look in, each with its source namespace.
	Namespaces map[string]string
	// LabelSelector that an object must match, in the form of a LIST's; empty matches all.
	LabelSelector string
	// Keep tells of an object found at the destination, by its source name, whether it must stay, for example because it
	// still exists at the source. An error leaves the object alone and is reported.
	Keep KeepFunc
}

// KeepFunc tells whether an object must not be purged. The kind and the name are those at the source. It is called by several
// goroutines at once.
type KeepFunc func(ctx context.Context, kind Kind, name types.NamespacedName) (bool, error)

// Kind is one kind of object at the destination.
type Kind struct {
	Resource   schema.GroupVersionResource
	Kind       schema.GroupVersionKind
	Namespaced bool
}

// Plan is all that a run brings.
type Plan struct {
	Items      []*Item
	Provenance Provenance
	Purge      Purge
}

// Action is what was done with an object at the destination.
type Action string

// Actions, as in MigrationResourceInfo.action.
const (
	ActionCreated   Action = "Created"
	ActionUpdated   Action = "Updated"
	ActionUnchanged Action = "Unchanged"
	ActionRecreated Action = "Recreated"
	ActionPurged    Action = "Purged"
	ActionSkipped   Action = "Skipped"
)

// Result is what became of one object.
type Result struct {
	Kind                 schema.GroupVersionKind
	Source               types.NamespacedName
	DestinationNamespace string
	Action               Action
	// Err is why the object did not arrive; nil if it did. It never holds contents of a Secret.
	Err           error
	Changes       []string
	TransformedBy string
}

// Report is what became of all objects, in the order of the waves.
type Report struct {
	Results []Result
	// Notices tell what was done differently on purpose.
	Notices []string
}

// Progress counts a run under way.
type Progress struct {
	Total, Done, Failed int
}
