package webhook

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// action is judged by what it names. Its writer has the operator stop and start workloads.
func (j *judge) action() *validator[*storkv1alpha1.Action] {
	return &validator[*storkv1alpha1.Action]{
		kind: "Action", resource: "actions",
		checkChange: checkActionNotBegun,
		check: func(action *storkv1alpha1.Action) error {
			asked := askedOf(action)
			return errors.Join(j.checkNamespaces(asked, action.Namespace), asked.checkFilter())
		},
		authorize: func(ctx context.Context, action *storkv1alpha1.Action) error {
			return j.requesters.require(ctx, scaleWorkloads, j.reachOf(askedOf(action), action.Namespace)...)
		},
	}
}

// checkActionNotBegun keeps an Action from becoming another one while it stops and starts workloads, or from seeming to have been.
func checkActionNotBegun(before, after *storkv1alpha1.Action) error {
	begun := before.Status.Stage != storkv1alpha1.ActionStageInitial || before.Status.Status == storkv1alpha1.ActionStatusInProgress
	if !begun || equality.Semantic.DeepEqual(before.Spec, after.Spec) {
		return nil
	}
	return errors.New("spec: the Action has begun and cannot be changed any more: create another one, after deleting this one if it is to be undone")
}

// asked is what an Action asks for, whatever its type.
type asked struct {
	path string
	// field names the namespaces.
	field      string
	namespaces []string
	filter     storkv1alpha1.ActionFilter
}

func askedOf(action *storkv1alpha1.Action) asked {
	const path = "spec.actionParameter."
	parameter := action.Spec.ActionParameter
	if action.Spec.ActionType == storkv1alpha1.ActionTypeFailback {
		back := parameter.FailbackParameter
		return asked{path + "failbackParameter", "failbackNamespaces", back.FailbackNamespaces, back.ActionFilter}
	}
	over := parameter.FailoverParameter
	return asked{path + "failoverParameter", "failoverNamespaces", over.FailoverNamespaces, over.ActionFilter}
}

// reachOf returns the namespaces whose workloads an Action can stop and start: without any named, all of its schedule, which in the
// admin namespace can be any.
func (j *judge) reachOf(asked asked, namespace string) []string {
	switch {
	case namespace != j.adminNamespace:
		return []string{namespace}
	case len(asked.namespaces) == 0:
		return []string{everywhere}
	}
	return asked.namespaces
}

// checkNamespaces keeps an Action outside the admin namespace to its own one, as Migrations are.
func (j *judge) checkNamespaces(asked asked, namespace string) error {
	var problems []error
	for i, name := range asked.namespaces {
		switch {
		case len(validation.IsDNS1123Label(name)) > 0:
			problems = append(problems, fmt.Errorf("%s.%s[%d] is %q, which is no name of a namespace: write one such as shop", asked.path, asked.field, i, name))
		case namespace != j.adminNamespace && name != namespace:
			problems = append(problems, fmt.Errorf("%s.%s[%d] is %q, but an Action should only name the current namespace, %s; "+
				"others can be named in the admin namespace %s only", asked.path, asked.field, i, name, namespace, j.adminNamespace))
		}
	}
	return errors.Join(problems...)
}

func (a *asked) checkFilter() error {
	problems := []error{
		storkv1alpha1.CheckSelectors(a.path+".selectors", a.filter.Selectors),
		storkv1alpha1.CheckSelectors(a.path+".excludeSelectors", a.filter.ExcludeSelectors),
	}
	for i, name := range a.filter.Types {
		if !isType.MatchString(name) {
			problems = append(problems, fmt.Errorf("%s.types[%d] is %q, which is no kind: write it as Deployment, deployments.apps or apps/v1/Deployment", a.path, i, name))
		}
	}
	for field, objects := range map[string][]storkv1alpha1.ObjectInfo{"includeObjects": a.filter.IncludeObjects, "excludeObjects": a.filter.ExcludeObjects} {
		for i, object := range objects {
			if object.Namespace != "" && len(a.namespaces) > 0 && !slices.Contains(a.namespaces, object.Namespace) {
				problems = append(problems, fmt.Errorf("%s.%s[%d] is in namespace %q, which %s does not name: add it there, or leave the object out",
					a.path, field, i, object.Namespace, a.field))
			}
		}
	}
	return errors.Join(problems...)
}

// isType matches a kind or its plural, with or without its group, and group/version/kind.
var isType = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*(\.[a-z0-9][a-z0-9.-]*)?|[a-z0-9.-]*/v[a-z0-9]+/[A-Za-z][A-Za-z0-9]*)$`)
