package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// undoTimeout bounds how long a failed command cleans up, also after an interrupt.
const undoTimeout = 30 * time.Second

// errDifferent is in the error about an object that exists with another content.
var errDifferent = errors.New("it exists with another content: delete it, or choose another name")

// journal remembers what was created, and where.
type journal struct {
	entries []journalEntry
}

type journalEntry struct {
	side   *side
	object client.Object
}

// ensure makes sure that an object exists in a cluster with the content it has, and returns it as it is there. What is created
// goes into the journal. An object that exists with another content is left alone and is an errDifferent.
func ensure[T client.Object](ctx context.Context, j *journal, s *side, object T) (live T, created bool, err error) {
	live = object.DeepCopyObject().(T)
	err = s.client.Get(ctx, client.ObjectKeyFromObject(object), live)
	if apierrors.IsNotFound(err) {
		live = object.DeepCopyObject().(T)
		err = s.client.Create(ctx, live)
		if err == nil || perhapsDone(err) {
			j.entries = append(j.entries, journalEntry{side: s, object: live})
		}
		if err == nil {
			return live, true, nil
		}
	}
	if err == nil && !live.GetDeletionTimestamp().IsZero() {
		err = errors.New("one of that name is being deleted: wait until it is gone and run the command again")
	}
	if err == nil {
		err = sameContent(object, live)
	}
	if err != nil {
		return live, false, fmt.Errorf("creating %s in the %s cluster: %w", describe(s, object), s.name, err)
	}
	return live, false, nil
}

// perhapsDone tells whether a request may have taken effect although no answer says so.
func perhapsDone(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown || apierrors.IsTimeout(err) || apierrors.IsInternalError(err)
}

// undo removes what was created, the last first, and says so. It works also when ctx has ended.
func (p *pairing) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var failed []error
	for _, entry := range slices.Backward(p.journal.entries) {
		what := fmt.Sprintf("%s in the %s cluster", describe(entry.side, entry.object), entry.side.name)
		removed, err := entry.remove(ctx)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("removing %s again: %w; delete it by hand", what, err))
		case removed:
			p.printlnErr("removed again: " + what)
		}
	}
	return errors.Join(failed...)
}

// remove deletes the object unless somebody else has made it anew.
func (e *journalEntry) remove(ctx context.Context) (removed bool, err error) {
	if e.object.GetUID() == "" {
		live := e.object.DeepCopyObject().(client.Object)
		if err := e.side.client.Get(ctx, client.ObjectKeyFromObject(e.object), live); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		// Nothing was of this name before, so one that is there with this content is ours. A namespace has none to tell it by.
		if _, isNamespace := e.object.(*corev1.Namespace); isNamespace {
			return false, errors.New("whether it was created here is not known, since the answer was lost")
		}
		err := sameContent(e.object, live)
		if errors.Is(err, errDifferent) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		e.object = live
	}
	uid := e.object.GetUID()
	err = client.IgnoreNotFound(e.side.client.Delete(ctx, e.object, client.Preconditions{UID: &uid}))
	return err == nil, err
}

func describe(s *side, object client.Object) string {
	kind, err := apiutil.GVKForObject(object, s.client.Scheme())
	if err != nil || object.GetNamespace() == "" {
		return kind.Kind + " " + object.GetName()
	}
	return kind.Kind + " " + object.GetNamespace() + "/" + object.GetName()
}

// sameContent compares what the user gave; labels, status, and annotations that the user did not give do not matter.
func sameContent(want, have client.Object) error {
	for key, value := range want.GetAnnotations() {
		if actual, ok := have.GetAnnotations()[key]; !ok || actual != value {
			return errDifferent
		}
	}
	wanted, err := content(want)
	if err != nil {
		return err
	}
	had, err := content(have)
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(wanted, had) {
		return errDifferent
	}
	return nil
}

func content(object client.Object) (any, error) {
	switch o := object.(type) {
	case *corev1.Secret:
		return o.Data, nil
	case *storkv1alpha1.BackupLocation:
		return o.Location, nil
	case *storkv1alpha1.ClusterPair:
		// As a map, since kubeconfigs that mean the same need not have the same bytes.
		return runtime.DefaultUnstructuredConverter.ToUnstructured(&o.Spec)
	default:
		// A namespace has no content.
		return nil, nil
	}
}
