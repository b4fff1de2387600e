package activation

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

// workers is how many objects are read or written at once.
const workers = 10

// Cluster reaches the cluster whose applications are started and stopped. Both fields are required.
type Cluster struct {
	Dynamic   dynamic.Interface
	Discovery discovery.DiscoveryInterface
}

// Engine starts and stops what runs in a cluster. It knows the kinds and registrations of the moment in which it was made.
type Engine struct {
	cluster       Cluster
	registrations workload.Registrations
	kinds         []Kind
	served        map[schema.GroupKind][]Kind
}

// NewEngine finds out which kinds the cluster has and how they are stopped. Groups whose API server does not answer are left out and
// told as notices, if they have such kinds.
func NewEngine(ctx context.Context, cluster Cluster) (engine *Engine, notices []string, err error) {
	engine = &Engine{cluster: cluster}
	wanted, groups, err := engine.findRegistrations(ctx)
	if err != nil {
		return nil, nil, err
	}
	notices, err = engine.findKinds(ctx, wanted, groups)
	return engine, notices, err
}

// Cluster is where applications are started and stopped.
func (e *Engine) Cluster() Cluster { return e.cluster }

// Request says what is started or stopped.
type Request struct {
	// Activate true starts, false stops.
	Activate bool
	// Namespaces are where; empty means all of the cluster.
	Namespaces []string
	// Choose picks the objects among all that could be stopped; nil means Brought.
	Choose func(Kind, *unstructured.Unstructured) bool
	// ChooseStashed picks custom resources that wait in ConfigMaps to be created on activation; nil means all of them. They are
	// left alone on deactivation.
	ChooseStashed func(*unstructured.Unstructured) bool
	// By is who starts or stops, which is marked on each object that this changes; see Mark. Empty means a person: marks go.
	By string
}

// Step is what is done to an object.
type Step int

const (
	// StepNone means that the object is as it should be already.
	StepNone Step = iota
	// StepSwitch means that it is started or stopped.
	StepSwitch
	// StepCreate means that it is created from the ConfigMap that it waited in.
	StepCreate
	// StepSkip means that a custom resource is left alone because no migration brought it.
	StepSkip
)

// Outcome is what became of one object, or would become of it.
type Outcome struct {
	Kind      schema.GroupVersionKind
	Namespace string
	Name      string
	// Manner is how objects of this kind are stopped.
	Manner Manner
	// Step that was taken, or would be.
	Step Step
	// Object as it is now; nil for one that could not be read.
	Object *unstructured.Unstructured
	// ConfigMap that the object waited in; empty for others.
	ConfigMap string
	// Idle tells of an object that List would stop that it has nothing to run: only that it was stopped is to be noted on it.
	Idle bool
	// Differs tells of a custom resource that is there already that its spec is not the one in the ConfigMap.
	Differs bool
	// Err is why it could not be started or stopped.
	Err error
	// PodErrs are of pods, by name, that were to be deleted and could not; "" is for their list.
	PodErrs map[string]error

	rank int
}

// Failed tells whether something is left to do because of an error.
func (o *Outcome) Failed() bool { return o.Err != nil || len(o.PodErrs) > 0 }

// ListError is about objects that could not be found.
type ListError struct {
	Resource schema.GroupResource
	// Stashed is true for the ConfigMaps of custom resources.
	Stashed bool
	Err     error
}

// Report is what became of a request.
type Report struct {
	// Outcomes are by namespace, kind and name. A kind's place is Stork's.
	Outcomes []Outcome
	// Unlisted are the kinds whose objects could not be found.
	Unlisted []ListError
	// Origins are the namespaces of the Migrations that brought something to the namespaces of the request.
	Origins map[string]bool
}

// task is what there is to do with one object.
type task struct {
	Outcome
	run func(context.Context, *Outcome)
}

// List tells what Run would do, and changes nothing. Objects that need no change are among the outcomes.
func (e *Engine) List(ctx context.Context, request Request) Report {
	tasks, report := e.tasks(ctx, request)
	for _, t := range tasks {
		switch {
		case t.Err != nil:
		case t.Step == StepSwitch:
			e.preview(&t.Outcome, request)
		case t.Step == StepCreate:
			e.previewStashed(ctx, &t.Outcome)
		}
		report.Outcomes = append(report.Outcomes, t.Outcome)
	}
	return report
}

// Run starts or stops, several objects at once. What fails is in the report, and the others go on.
func (e *Engine) Run(ctx context.Context, request Request) Report {
	tasks, report := e.tasks(ctx, request)
	var group errgroup.Group
	group.SetLimit(workers)
	for i := range tasks {
		group.Go(func() error {
			switch {
			case ctx.Err() != nil:
				tasks[i].Err = ctx.Err()
			case tasks[i].run != nil:
				tasks[i].run(ctx, &tasks[i].Outcome)
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, t := range tasks {
		report.Outcomes = append(report.Outcomes, t.Outcome)
	}
	return report
}

// tasks finds what there is to do, in the order of reports.
func (e *Engine) tasks(ctx context.Context, request Request) ([]*task, Report) {
	if request.Choose == nil {
		request.Choose = func(_ Kind, object *unstructured.Unstructured) bool { return Brought(object) }
	}
	tasks, report := e.workloadTasks(ctx, request)
	stashed, err := e.stashTasks(ctx, request)
	if err != nil {
		report.Unlisted = append(report.Unlisted, ListError{Resource: schema.GroupResource{Resource: "configmaps"}, Stashed: true, Err: err})
	}
	tasks = append(tasks, stashed...)
	slices.SortFunc(tasks, func(x, y *task) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.rank, y.rank), cmp.Compare(x.Name, y.Name))
	})
	return tasks, report
}

// Mark is the annotation that tells who started or stopped an object, so that the same one can undo just that. Migrations do not
// carry it.
const Mark = storkv1alpha1.AnnotationActivation

// StartedBy is the value of Mark on what somebody started.
func StartedBy(by string) string { return "started-by-" + by }

// StoppedBy is the value of Mark on what somebody stopped.
func StoppedBy(by string) string { return "stopped-by-" + by }

// Serves tells whether this cluster has a namespaced kind of a name, which is that of NamesKind.
func (e *Engine) Serves(name string) bool {
	for _, versions := range e.served {
		if slices.ContainsFunc(versions, func(k Kind) bool { return NamesKind([]string{name}, k) }) {
			return true
		}
	}
	return false
}

// Stops tells whether objects of a kind can be stopped in this cluster.
func (e *Engine) Stops(kind schema.GroupVersionKind) bool {
	return slices.ContainsFunc(e.kinds, func(k Kind) bool { return k.GroupKind() == kind.GroupKind() })
}
