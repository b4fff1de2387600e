package resourcetransformation

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/transform"
)

const (
	// pageSize bounds how many objects are in memory at once.
	pageSize = 200
	// parallelTrials is how many objects are tried at the same time.
	parallelTrials = 4
)

// dryRun tries one transformation on the objects of its namespace.
type dryRun struct {
	*Reconciler
	transformation *storkv1alpha1.ResourceTransformation
	// pipeline is all that a Migration does to an object.
	pipeline *transform.Pipeline
	report   *report
}

// try tries all matching objects. An error means that it could not be found out what the API server thinks of one.
func (r *Reconciler) try(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation, plans []*plan) (*report, error) {
	namespace := transformation.Namespace
	run := &dryRun{
		Reconciler: r, transformation: transformation, report: &report{},
		pipeline: transform.NewPipeline(transform.Options{
			StartApplications: true,
			Namespaces:        map[string]string{namespace: namespace},
			Transformations:   map[string]*storkv1alpha1.ResourceTransformation{namespace: transformation},
		}),
	}
	for _, p := range plans {
		if !p.namespaced {
			// Which of them a Migration brings is up to it, and their names are not for the owner of a namespace to see.
			run.report.skip(p.name)
			continue
		}
		if err := run.tryAll(ctx, p); err != nil {
			return nil, err
		}
	}
	return run.report, nil
}

func (d *dryRun) tryAll(ctx context.Context, p *plan) error {
	options := metav1.ListOptions{LabelSelector: p.selector.String(), Limit: pageSize}
	for {
		page, err := d.Dynamic.Resource(p.resource).Namespace(d.transformation.Namespace).List(ctx, options)
		if err != nil {
			return d.listFailed(p, err)
		}
		if err := d.tryPage(ctx, p, page.Items); err != nil {
			return err
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}

// listFailed reports a kind whose objects cannot be listed, unless it is worth another try.
func (d *dryRun) listFailed(p *plan, err error) error {
	err = fmt.Errorf("listing objects of %s in namespace %s: %w", p.name, d.transformation.Namespace, err)
	if transient(err) {
		return err
	}
	info := d.newInfo(p, "*")
	fail(info, err)
	d.report.add(info)
	return nil
}

func (d *dryRun) tryPage(ctx context.Context, p *plan, objects []unstructured.Unstructured) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTrials)
	for i := range objects {
		object := &objects[i]
		specs := transform.SelectedSpecs(d.transformation.Spec, object)
		if len(specs) == 0 || object.GetDeletionTimestamp() != nil {
			continue
		}
		group.Go(func() error {
			info := d.newInfo(p, object.GetName())
			info.Specs = join(specs)
			if err := d.tryOne(ctx, p, object, info); err != nil {
				return fmt.Errorf("trying %s: %w", objectName(info), err)
			}
			d.report.add(info)
			return nil
		})
	}
	return group.Wait()
}

// join makes one of all specs for an object.
func join(specs []storkv1alpha1.TransformSpec) *storkv1alpha1.TransformSpec {
	joined := specs[0].DeepCopy()
	for _, spec := range specs[1:] {
		joined.Paths = append(joined.Paths, spec.Paths...)
	}
	return joined
}

func (d *dryRun) newInfo(p *plan, name string) *storkv1alpha1.TransformResourceInfo {
	return &storkv1alpha1.TransformResourceInfo{
		Name: name, Namespace: d.transformation.Namespace, Group: p.kind.Group, Version: p.kind.Version, Kind: p.kind.Kind,
		Status: storkv1alpha1.ResourceTransformationStatusReady,
	}
}
