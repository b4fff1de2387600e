package activation

import (
	"errors"
	"fmt"
)

// maxProblems is how many problems an error tells.
const maxProblems = 5

// Err returns what went wrong, not too much of it; nil if nothing did.
func (r Report) Err() error {
	var all []error
	for _, unlisted := range r.Unlisted {
		all = append(all, fmt.Errorf("listing %s: %w", unlisted.Resource, unlisted.Err))
	}
	return join(append(all, problems(r.Outcomes)...))
}

// Problems returns what went wrong with objects, not too much of it; nil if nothing did.
func Problems(outcomes []Outcome) error { return join(problems(outcomes)) }

func problems(outcomes []Outcome) (all []error) {
	for i := range outcomes {
		o := &outcomes[i]
		if o.Err != nil {
			all = append(all, fmt.Errorf("%s %s/%s: %w", o.Kind.Kind, o.Namespace, o.ObjectName(), o.Err))
		}
		for pod, err := range o.PodErrs {
			all = append(all, fmt.Errorf("pod %s/%s of %s %s: %w", o.Namespace, pod, o.Kind.Kind, o.ObjectName(), err))
		}
	}
	return all
}

func join(all []error) error {
	if len(all) > maxProblems {
		all = append(all[:maxProblems:maxProblems], fmt.Errorf("and %d more problems", len(all)-maxProblems))
	}
	return errors.Join(all...)
}

// ObjectName is the name of the object, also of one that waits in a ConfigMap of another name.
func (o *Outcome) ObjectName() string {
	if o.Object != nil {
		return o.Object.GetName()
	}
	return o.Name
}

// String names the object in messages.
func (o *Outcome) String() string { return o.Kind.Kind + " " + o.Namespace + "/" + o.ObjectName() }
