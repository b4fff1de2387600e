package activation

import (
	"context"
	"slices"
	"strings"
)

// Running are objects of a namespace, as "Kind name", by whether they run.
type Running struct {
	// Active run: stopping them would change what they are to do.
	Active []string
	// Stopped do not run, and starting would change that.
	Stopped []string
	// Idle were never stopped and have nothing to run, such as a Deployment of zero replicas.
	Idle []string
	// Created are custom resources that somebody's activation created from where they waited. Nobody stops them, so that they may run
	// or be left over.
	Created []string
}

// Running sorts what a request chooses by whether it runs, by namespace. Whether the request activates makes no difference.
func (e *Engine) Running(ctx context.Context, request Request) (map[string]Running, error) {
	return e.running(ctx, request, func(*Outcome) bool { return false })
}

// running does so, and tolerates what is wrong with some objects.
func (e *Engine) running(ctx context.Context, request Request, tolerated func(*Outcome) bool) (map[string]Running, error) {
	found := map[string]Running{}
	for _, activate := range []bool{false, true} {
		request.Activate = activate
		report := e.List(ctx, request)
		report.Outcomes = slices.DeleteFunc(report.Outcomes, func(o Outcome) bool { return o.Err != nil && tolerated(&o) })
		if err := report.Err(); err != nil {
			return nil, err
		}
		for i := range report.Outcomes {
			o := &report.Outcomes[i]
			in := found[o.Namespace]
			in.add(o, activate)
			found[o.Namespace] = in
		}
	}
	return found, nil
}

// add sorts one object in, of which it is known what starting or stopping would do to it.
func (r *Running) add(o *Outcome, activate bool) {
	name := o.Kind.Kind + " " + o.ObjectName()
	switch {
	case o.Step == StepSwitch && !activate && o.Idle:
		r.Idle = append(r.Idle, name)
	case o.Step == StepSwitch && !activate:
		r.Active = append(r.Active, name)
	case o.Step == StepNone && o.ConfigMap != "" && strings.HasPrefix(o.Object.GetAnnotations()[Mark], StartedBy("")):
		r.Created = append(r.Created, name)
	case o.Step == StepSwitch, o.Step == StepCreate:
		r.Stopped = append(r.Stopped, name)
	}
}
