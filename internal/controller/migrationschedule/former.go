package migrationschedule

import (
	"context"
	"errors"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// errActive keeps a copy that knows of applications which run beside it.
var errActive = errors.New("the applications are active there: run storkctl deactivate migrations there, and delete it")

// leaveFormerDestination deletes the copy in the cluster to which Migrations went before the template named another pair. It is tried
// once: that cluster may be gone for good. A copy that is left there is told of by an event.
func (p *pass) leaveFormerDestination(ctx context.Context) {
	former, now := p.schedule.Status.CopiedTo, p.pairOf(p.schedule)
	p.schedule.Status.CopiedTo = now.String()
	if former == "" || former == now.String() {
		return
	}
	if err := p.deleteFormer(ctx, former, now); err != nil {
		p.event(corev1.EventTypeWarning, storkv1alpha1.ReasonCopyFailed,
			"the copy in the cluster of ClusterPair %s, where Migrations went before, is left there: %s", former, cut(err.Error(), maxNoteLength/2))
	}
}

func (p *pass) deleteFormer(ctx context.Context, former string, now types.NamespacedName) error {
	kept, _, err := p.findCopy(ctx, p.schedule, now)
	if err != nil {
		return err
	}
	found, target, err := p.findCopy(ctx, p.schedule, parseName(former))
	switch {
	case err != nil, found == nil:
		return err
	case kept != nil && kept.GetUID() == found.GetUID():
		return nil // Both pairs lead to the same cluster.
	}
	if active, _, _ := unstructured.NestedBool(found.Object, "status", "applicationActivated"); active {
		return errActive
	}
	return deleteCopy(ctx, target, found)
}

func parseName(text string) types.NamespacedName {
	namespace, name, _ := strings.Cut(text, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}
