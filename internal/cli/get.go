package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// noun is a kind of object that get prints.
type noun struct {
	// resource is its plural in the API.
	resource   string
	namespaced bool
	// object and list are empty ones, for their type.
	object client.Object
	list   client.ObjectList
	// columns are the header of its table.
	columns []string
	// rows returns the cells of an object, in most cases one row.
	rows func(client.Object) [][]any
	// keep tells which objects are wanted; nil means all.
	keep func(client.Object) bool
	// misnamed is the error about one that is asked for by its name and not wanted; nil means that there is just none.
	misnamed func(client.Object) error
}

// getter is one run of a get command.
type getter struct {
	*globals
	noun
	client client.WithWatch
	table  *table
	// document is set unless a table is wanted.
	document printers.ResourcePrinter
}

// runGet returns what a get command does. noun is asked for when the flags are known.
func (g *globals) runGet(noun func() noun) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, names []string) error {
		c, err := g.client()
		if err != nil {
			return err
		}
		get := &getter{globals: g, noun: noun(), client: c}
		if g.output != outputTable {
			get.document = g.document()
		}
		get.table = newTable(g.Out, get.header()...)
		if g.watch {
			return get.watchAll(cmd.Context(), names)
		}
		return get.once(cmd.Context(), names)
	}
}

// once prints what there is. An object that is missing does not keep it from printing the others.
func (g *getter) once(ctx context.Context, names []string) error {
	objects, err := g.find(ctx, names)
	err = errors.Join(err, g.checkNamed(objects, names))
	objects = slices.DeleteFunc(objects, func(o client.Object) bool { return g.keep != nil && !g.keep(o) })
	switch {
	case len(objects) > 0:
		return errors.Join(g.print(objects), err)
	case err == nil:
		g.println("No resources found.")
	}
	return err
}

// checkNamed returns an error for each object that is asked for by its name and not wanted.
func (g *getter) checkNamed(objects []client.Object, names []string) error {
	var misnamed []error
	for _, o := range objects {
		if g.misnamed != nil && slices.Contains(names, o.GetName()) && !g.keep(o) {
			misnamed = append(misnamed, g.misnamed(o))
		}
	}
	return errors.Join(misnamed...)
}

// find returns the objects with these names, or all without names, and an error for each name that nothing has.
func (g *getter) find(ctx context.Context, names []string) ([]client.Object, error) {
	everywhere := g.allNamespaces && g.namespaced
	if len(names) > 0 && !everywhere {
		return g.findEach(ctx, names)
	}
	list := g.list.DeepCopyObject().(client.ObjectList)
	if err := g.client.List(ctx, list, g.scope()...); err != nil {
		return nil, err
	}
	objects := items(list)
	if len(names) == 0 {
		return objects, nil
	}
	var missing []error
	for _, name := range names {
		if !slices.ContainsFunc(objects, func(o client.Object) bool { return o.GetName() == name }) {
			missing = append(missing, apierrors.NewNotFound(storkv1alpha1.GroupVersion.WithResource(g.resource).GroupResource(), name))
		}
	}
	return slices.DeleteFunc(objects, func(o client.Object) bool { return !slices.Contains(names, o.GetName()) }), errors.Join(missing...)
}

func (g *getter) findEach(ctx context.Context, names []string) (objects []client.Object, err error) {
	for _, name := range names {
		object := g.object.DeepCopyObject().(client.Object)
		key := client.ObjectKey{Name: name}
		if g.namespaced {
			key.Namespace = g.namespace
		}
		if getErr := g.client.Get(ctx, key, object); getErr != nil {
			err = errors.Join(err, getErr)
			continue
		}
		objects = append(objects, object)
	}
	return objects, err
}

// scope selects the namespace that the flags choose.
func (g *getter) scope() []client.ListOption {
	if g.allNamespaces || !g.namespaced {
		return nil
	}
	return []client.ListOption{client.InNamespace(g.namespace)}
}

// watchAll prints what there is and then each object that changes, until the context ends. Deleted objects are not printed.
func (g *getter) watchAll(ctx context.Context, names []string) error {
	options := &client.ListOptions{}
	options.ApplyOptions(g.scope())
	if len(names) == 1 {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", names[0])
	}
	return follow(ctx, g.client, g.list, options, func(changes []change) (bool, error) {
		var objects []client.Object
		for _, c := range changes {
			wanted := len(names) == 0 || slices.Contains(names, c.object.GetName())
			if wanted && !c.deleted {
				objects = append(objects, c.object)
			}
		}
		if err := g.checkNamed(objects, names); err != nil {
			return false, err
		}
		return false, g.print(slices.DeleteFunc(objects, func(o client.Object) bool { return g.keep != nil && !g.keep(o) }))
	})
}

func (g *getter) print(objects []client.Object) error {
	if g.document != nil {
		return g.printDocuments(objects)
	}
	var rows [][]any
	for _, object := range objects {
		for _, cells := range g.rows(object) {
			if g.allNamespaces && g.namespaced {
				cells = append([]any{object.GetNamespace()}, cells...)
			}
			rows = append(rows, cells)
		}
	}
	return g.table.print(rows)
}

// printDocuments prints one List, as Stork does for a single object too, or each object by itself while it watches.
func (g *getter) printDocuments(objects []client.Object) error {
	for _, object := range objects {
		if err := complete(g.client, object); err != nil {
			return err
		}
		if !g.watch {
			continue
		}
		if err := g.document.PrintObj(object, g.Out); err != nil {
			return err
		}
	}
	if g.watch {
		return nil
	}
	return g.document.PrintObj(listOf(objects), g.Out)
}

func (g *getter) header() []string {
	if g.allNamespaces && g.namespaced {
		return append([]string{"NAMESPACE"}, g.columns...)
	}
	return g.columns
}
