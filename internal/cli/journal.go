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
		if err = s.client.Create(ctx, live); err == nil {
			j.entries = append(j.entries, journalEntry{side: s, object: live})
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

// undo removes what was created, the last first, and says so. It works also when ctx has ended.
func (p *pairing) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var failed []error
	for _, entry := range slices.Backward(p.journal.entries) {
		uid := entry.object.GetUID()
		err := entry.side.client.Delete(ctx, entry.object, client.Preconditions{UID: &uid})
		what := fmt.Sprintf("%s in the %s cluster", describe(entry.side, entry.object), entry.side.name)
		if client.IgnoreNotFound(err) != nil {
			failed = append(failed, fmt.Errorf("removing %s again: %w; delete it by hand", what, err))
			continue
		}
		p.printlnErr("removed again: " + what)
	}
	return errors.Join(failed...)
}

func describe(s *side, object client.Object) string {
	kind, err := apiutil.GVKForObject(object, s.client.Scheme())
	if err != nil || object.GetNamespace() == "" {
		return kind.Kind + " " + object.GetName()
	}
	return kind.Kind + " " + object.GetNamespace() + "/" + object.GetName()
}

// sameContent compares what the user gave; labels, annotations and status do not matter.
func sameContent(want, have client.Object) error {
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
