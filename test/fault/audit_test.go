package fault_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// write is what the destination's API server says of a change that an operator made there.
type write struct {
	Verb, UserAgent, RequestURI              string
	RequestReceivedTimestamp, StageTimestamp metav1.MicroTime
	ObjectRef                                struct{ Resource, APIGroup, Namespace, Name string }
	ResponseStatus                           struct{ Code int }
	RequestObject                            json.RawMessage
}

// run tells which run made the change: when that began to write, as its objects say. A deletion and the like say nothing.
func (e *write) run() string {
	var object metav1.PartialObjectMetadata
	if json.Unmarshal(e.RequestObject, &object) != nil {
		return ""
	}
	return object.Annotations[storkv1alpha1.AnnotationMigrationTime]
}

// writes returns what operators have changed at the destination since, in the scenario's namespace and of what is named after it, in the
// order in which the requests came.
func (w *world) writes(since time.Time) []write {
	w.Helper()
	all, err := localcluster.AuditEvents[write](auditFolder(), w.namespace)
	w.Expect(err).NotTo(HaveOccurred())
	all = slices.DeleteFunc(all, func(e write) bool {
		return !strings.HasPrefix(e.UserAgent, "godwit/") || e.ResponseStatus.Code/100 != 2 || strings.Contains(e.RequestURI, "dryRun=") ||
			e.RequestReceivedTimestamp.Time.Before(since) || e.ObjectRef.Namespace != w.namespace && !w.isNamedAfter(e.ObjectRef.Name)
	})
	slices.SortStableFunc(all, func(a, b write) int { return a.RequestReceivedTimestamp.Compare(b.RequestReceivedTimestamp.Time) })
	return all
}

// judgeRuns expects that one run was over at the destination before the next one changed anything there.
func (w *world) judgeRuns() {
	w.Helper()
	var run string
	var over time.Time
	ended := map[string]bool{}
	for _, e := range w.writes(w.since) {
		now := e.run()
		if now == "" && e.Verb != "delete" { // A run that begins may patch before it applies.
			continue
		}
		if now != "" && now != run {
			w.Expect(ended).NotTo(HaveKey(now), "run %s changes %s though run %s has begun", now, e.RequestURI, run)
			w.Expect(e.RequestReceivedTimestamp.Time).NotTo(BeTemporally("<", over), "run %s changes %s while run %s is not over", now, e.RequestURI, run)
			ended[run], run = true, now
		}
		if e.StageTimestamp.After(over) {
			over = e.StageTimestamp.Time
		}
	}
}

// lastRun is when the run began that ended the Migration: when it first read the source.
func (w *world) lastRun() time.Time {
	var began time.Time
	for _, r := range w.asked() {
		if w.isRun(r) && r.At.After(began) {
			began = r.At
		}
	}
	return began
}

// asked is what the operators have asked the source since the migration began.
func (w *world) asked() []faultproxy.Request {
	asked := w.source.Requests()[w.sourceMark:]
	if w.second != nil {
		asked = append(asked, w.second.Requests()...)
	}
	return asked
}

// isRun matches a request that each run that comes as far as the source's objects sends once.
func (w *world) isRun(r faultproxy.Request) bool {
	return strings.HasSuffix(r.Path, "/namespaces/"+w.namespace+"/services") && r.Code == http.StatusOK && !r.Broken &&
		r.Method == http.MethodGet && !strings.Contains(r.Query, "continue=")
}

// deeds are what was done to one object.
type deeds struct{ created, changed, deleted int }

func (d deeds) action() apply.Action {
	switch {
	case d.created > 0 && d.deleted > 0:
		return apply.ActionRecreated
	case d.created > 0:
		return apply.ActionCreated
	case d.deleted > 0:
		return apply.ActionPurged
	case d.changed > 0:
		return apply.ActionUpdated
	default:
		return apply.ActionUnchanged
	}
}

// deedsOfLastRun returns what the run that ended the Migration did at the destination, by "resource.group name".
func (w *world) deedsOfLastRun() map[string]deeds {
	w.Helper()
	all := map[string]deeds{}
	for _, e := range w.writes(w.lastRun()) {
		name := e.ObjectRef.Resource + "." + e.ObjectRef.APIGroup + " " + e.ObjectRef.Name
		one := all[name]
		switch e.Verb {
		case "create":
			one.created++
		case "delete":
			one.deleted++
		default:
			one.changed++
		}
		all[name] = one
	}
	return all
}

// judgeAction expects that the report tells what the last run did to an object.
func (w *world) judgeAction(o *unstructured.Unstructured, info *storkv1alpha1.MigrationResourceInfo, done map[string]deeds, s *scenario) {
	w.Helper()
	mapping, err := there.RESTMapper().RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	w.Expect(err).NotTo(HaveOccurred())
	resource := mapping.Resource
	if s.overrules(key(o)) || s.unaudited && w.isUnclear("/"+resource.Resource+"/"+o.GetName()) {
		return
	}
	what := done[resource.Resource+"."+resource.Group+" "+o.GetName()]
	w.Expect(info.Action).To(BeEquivalentTo(what.action()), "%s after %+v", key(o), what)
}

// isUnclear tells whether the destination did not answer to a change of an object: it may have died between doing it and writing it down.
func (w *world) isUnclear(object string) bool {
	return slices.ContainsFunc(w.destination.Requests()[w.destinationMark:], func(r faultproxy.Request) bool {
		return r.Code == 0 && strings.HasSuffix(r.Object, object)
	})
}
