package failover

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// census is what there is in the Action's namespaces that its schedule migrates, and what the Action chooses of it.
type census struct {
	own activation.Filter
	// leaving and arriving are the namespaces in which something is chosen.
	leaving, arriving map[string]bool
	// named and typed tell which of the objects and kinds that the filter names there are, by their place.
	named, typed map[int]bool
	engines      []*activation.Engine
}

// checkChosen refuses a filter that names what is in neither cluster, as a slip of the pen does, and an Action that would start nothing
// because no Migration has brought it yet: it would be called successful.
func (t *trip) checkChosen(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, namespaces []string) error {
	filters, skips := !t.own().IsZero(), t.skipSource || isTrue(t.filter.SkipLastMileMigration)
	if !filters && !skips {
		return nil
	}
	c, err := t.take(ctx, schedule, namespaces)
	if err != nil {
		return err
	}
	if filters {
		if err := t.checkFilter(c, namespaces); err != nil {
			return err
		}
	}
	if !skips {
		return nil
	}
	return t.checkArrived(c, namespaces)
}

// take counts in both clusters, or in the one that is asked.
func (t *trip) take(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, namespaces []string) (*census, error) {
	c := &census{own: t.own(), leaving: map[string]bool{}, arriving: map[string]bool{}, named: map[int]bool{}, typed: map[int]bool{}}
	template := &schedule.Spec.Template.Spec
	migrated := activation.FilterOf(template)
	to, err := t.engineTo(ctx)
	if err != nil {
		return nil, err
	}
	err = c.count(ctx, to, c.arriving, activation.Request{
		Activate: true, Namespaces: namespaces,
		Choose:        func(kind activation.Kind, o object) bool { return activation.Brought(o) && migrated.Matches(kind, o) },
		ChooseStashed: func(o object) bool { return migrated.Matches(kindOfObject(o), o) },
	})
	if err != nil || t.skipSource {
		return c, err
	}
	from, err := t.engineFrom(ctx)
	if err != nil {
		return nil, err
	}
	return c, c.count(ctx, from, c.leaving, activation.Request{Namespaces: namespaces, Choose: func(kind activation.Kind, o object) bool {
		return migrated.Matches(kind, o) && (activation.Brought(o) || goes(template, kind, o))
	}})
}

// count looks at all that a request chooses.
func (c *census) count(ctx context.Context, engine *activation.Engine, chosen map[string]bool, request activation.Request) error {
	c.engines = append(c.engines, engine)
	choose, stashed := request.Choose, request.ChooseStashed
	request.Choose = func(kind activation.Kind, o object) bool {
		if choose(kind, o) {
			c.see(chosen, kind, o)
		}
		return false
	}
	request.ChooseStashed = func(o object) bool {
		if stashed(o) {
			c.see(chosen, kindOfObject(o), o)
		}
		return false
	}
	return engine.List(ctx, request).Err()
}

func (c *census) see(chosen map[string]bool, kind activation.Kind, o object) {
	for i, info := range slices.Concat(c.own.IncludeObjects, c.own.ExcludeObjects) {
		c.named[i] = c.named[i] || activation.NamesObject(info, kind, o)
	}
	for i, name := range c.own.Types {
		c.typed[i] = c.typed[i] || activation.NamesKind([]string{name}, kind)
	}
	if c.own.Matches(kind, o) {
		chosen[o.GetNamespace()] = true
	}
}

// checkFilter refuses what names nothing.
func (t *trip) checkFilter(c *census, namespaces []string) error {
	where := "at the " + t.origin() + " or the " + t.goal()
	if t.skipSource {
		where = "at the " + t.goal()
	}
	var strange []string
	for i, info := range slices.Concat(c.own.IncludeObjects, c.own.ExcludeObjects) {
		if !c.named[i] {
			strange = append(strange, strings.TrimLeft(info.Kind+" "+strings.TrimLeft(info.Namespace+"/"+info.Name, "/"), " "))
		}
	}
	for i, name := range c.own.Types {
		served := slices.ContainsFunc(c.engines, func(e *activation.Engine) bool { return e.Serves(name) })
		if !c.typed[i] && !served {
			strange = append(strange, "kind "+name)
		}
	}
	switch {
	case len(strange) > 0:
		return refusef("there is no %s %s in namespaces %v that MigrationSchedule %s migrates and that can be started and stopped: correct the filter",
			strings.Join(strange, ", "), where, namespaces, t.key(t.schedule))
	case len(c.leaving)+len(c.arriving) == 0:
		return refusef("the filter of the %s leaves nothing to be started and stopped %s in namespaces %v: correct it", t.action.Spec.ActionType, where, namespaces)
	}
	return nil
}

// checkArrived refuses to start what nothing has been brought of, and to stop it.
func (t *trip) checkArrived(c *census, namespaces []string) error {
	if t.skipSource {
		if len(c.arriving) == 0 {
			return refusef("there is nothing at the %s that a Migration brought to namespaces %v, so that nothing could be started", t.goal(), namespaces)
		}
		return nil
	}
	for _, namespace := range namespaces {
		if c.leaving[namespace] && !c.arriving[namespace] {
			return refusef("nothing that is started and stopped has been migrated yet of namespace %s: it cannot be done without a last Migration (skipLastMileMigration)", namespace)
		}
	}
	return nil
}

func kindOfObject(o *unstructured.Unstructured) activation.Kind {
	return activation.Kind{GroupVersionKind: o.GroupVersionKind()}
}
