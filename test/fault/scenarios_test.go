package fault_test

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// faults makes a list of them.
func faults(all ...*faultproxy.Fault) []*faultproxy.Fault { return all }

// scenarios by what happens. To add one, say what happens to which requests; the rest is compared with what was planned.
var scenarios = map[string]*scenario{
	"nothing": {},
	"the destination is overloaded and says for how long": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 4, Times: 10, Do: faultproxy.TooManyRequests(1)},
	)},
	"the destination's database fails now and then": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 3, Do: faultproxy.InternalError()},
		&faultproxy.Fault{Of: faultproxy.Reads, Every: 3, Do: faultproxy.InternalError()},
	)},
	"the destination is not ready now and then": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Any, Every: 3, Do: faultproxy.Unavailable()},
	)},
	"a load balancer finds no API server now and then": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Any, Every: 3, Do: faultproxy.BadGateway()},
	)},
	"connections are reset before writes": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 5, Times: 6, Do: faultproxy.Reset()},
	)},
	"connections are reset after writes": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 5, Times: 6, Do: faultproxy.LoseAnswer()},
	)},
	"connections are reset while the destination is read": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Reads, "namespaces"), Every: 2, Times: 6, Do: faultproxy.LoseAnswer()},
	)},
	"streams are aborted before writes": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 3, Do: faultproxy.AbortStream()},
	)},
	"streams are aborted after writes": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Creates, Every: 3, Do: faultproxy.AbortAnswer()},
		&faultproxy.Fault{Of: faultproxy.Patches, Every: 3, Do: faultproxy.AbortAnswer()},
	)},
	"streams are aborted while the destination is read": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Reads, Every: 3, Do: faultproxy.AbortAnswer()},
	)},
	"the destination is slow": {destination: faults(
		&faultproxy.Fault{Of: faultproxy.Any, Every: 2, Do: faultproxy.Slow(200 * time.Millisecond)},
	)},
	"the destination forgets lists half way": {items: 1020, early: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Continued, Do: faultproxy.Expired()},
	)},
	"the source forgets a list half way and stores the report late": {items: 520, early: true, again: true, source: faults(
		&faultproxy.Fault{Of: faultproxy.Continued, Do: faultproxy.Expired()},
		&faultproxy.Fault{Of: storedReport, Times: 2, Do: faultproxy.Unavailable()},
		&faultproxy.Fault{Of: storedReport, Times: 1, Do: faultproxy.AbortAnswer()},
	)},
	"two requests are lost": {early: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Reads, "secrets"), Times: 1, Do: faultproxy.Swallow()},
		&faultproxy.Fault{Of: faultproxy.Creates, Skip: 3, Times: 1, Do: faultproxy.Swallow()},
	)},
	"a request to the source is lost": {early: true, again: true, source: faults(
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Reads, "secrets"), Times: 1, Do: faultproxy.Swallow()},
	)},
	"requests are lost": {long: true, early: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Creates, Skip: 3, Times: 2, Do: faultproxy.Swallow()},
		&faultproxy.Fault{Of: faultproxy.Patches, Skip: 3, Times: 1, Do: faultproxy.Swallow()},
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Reads, "secrets"), Times: 1, Do: faultproxy.Swallow()},
	)},
	"watches of an object that goes are cut": {obstruct: leaving("item-0003"), destination: faults(
		&faultproxy.Fault{Of: faultproxy.Watches, Times: 3, Do: faultproxy.Cut(50 * time.Millisecond)},
		&faultproxy.Fault{Of: faultproxy.Watches, Times: 1, Do: faultproxy.Before(letGo("item-0003"))},
	)},

	"reads of the source fail now and then": {source: faults(
		&faultproxy.Fault{Of: faultproxy.Reads, Every: 10, Do: faultproxy.Unavailable()},
	)},
	"reads of the source are cut off": {source: faults(
		&faultproxy.Fault{Of: faultproxy.Reads, Every: 4, Do: faultproxy.AbortAnswer()},
	)},
	"the source does not take that the migration begins": {source: faults(
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Patches, "migrations/second/status"), Times: 2, Do: faultproxy.TooManyRequests(1)},
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Patches, "migrations/second/status"), Times: 1, Do: faultproxy.AbortAnswer()},
	)},
	"the source does not take the end of the migration": {source: faults(
		&faultproxy.Fault{Of: final, Times: 6, Do: faultproxy.Unavailable()},
	)},
	"the source's answer to the end of the migration is lost": {source: faults(
		&faultproxy.Fault{Of: final, Times: 1, Do: faultproxy.AbortAnswer()},
	)},
	"a kind at the source can never be listed": {
		source: faults(&faultproxy.Fault{Of: faultproxy.On(faultproxy.Reads, "widgets"), Do: faultproxy.InternalError()}),
		waits:  "listing Widget", again: true,
	},

	"nothing, to a standby": {standby: true},
	"connections are reset after writes to a standby": {standby: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Writes, Every: 5, Times: 8, Do: faultproxy.LoseAnswer()},
	)},
	"purges fail now and then": {standby: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Deletes, Every: 3, Do: faultproxy.Unavailable()},
		&faultproxy.Fault{Of: faultproxy.Deletes, Every: 3, Do: faultproxy.AbortStream()},
	)},
	"answers to purges are lost": {standby: true, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Deletes, Every: 2, Do: faultproxy.AbortAnswer()},
	)},
	"the source does not always say what is gone": {standby: true, source: faults(
		&faultproxy.Fault{Of: aboutGone, Every: 2, Do: faultproxy.Unavailable()},
	)},

	"objects are deleted and changed while they are read": {items: 520, early: true, source: faults(
		&faultproxy.Fault{Of: faultproxy.On(faultproxy.Continued, "configmaps"), Times: 1, Do: faultproxy.Before(disturb("item-0510", "item-0511"))},
	)},
	"an object is being deleted at the source": {
		obstruct: goingAtSource("item-0033"),
		notices:  []string{"item-0033 was left out: it is being deleted"},
	},
	"an object has too many annotations": {
		obstruct: annotated("item-0033"),
		refused:  []refusal{{object: "ConfigMap item-0033", reason: "remove what is not needed at the source"}},
	},

	"a webhook refuses an object that is new": {
		obstruct: webhook("ValidatingWebhookConfiguration", deny("item-0033")),
		refused:  []refusal{{object: "ConfigMap item-0033", reason: "no such price"}},
	},
	"a webhook refuses an object that is there": {
		obstruct: webhook("ValidatingWebhookConfiguration", deny("item-0013")),
		refused:  []refusal{{object: "ConfigMap item-0013", reason: "no such price"}},
	},
	"a webhook hangs": {
		obstruct: webhook("ValidatingWebhookConfiguration", hang("item-0033")),
		refused:  []refusal{{object: "ConfigMap item-0033", reason: "judge.example.com"}},
	},
	"a webhook overrules an object": {
		obstruct:  webhook("MutatingWebhookConfiguration", overrule("item-0033")),
		overruled: []string{"ConfigMap item-0033"},
		notices:   []string{"dropped or changed data.price of ConfigMaps"},
	},
	"others add to objects": {destination: faults(
		meddle(`{"metadata":{"annotations":{"example.com/meddler":"was here"}}}`, faultproxy.On(faultproxy.Patches, "configmaps"), 3),
	)},
	"others change objects": {destination: faults(
		meddle(`{"data":{"price":"theirs"}}`, faultproxy.On(faultproxy.Patches, "configmaps"), 5),
	)},
	"a quota is exhausted half way": {
		obstruct: quota(31), // One of them is the authority that each namespace has.
		refused:  []refusal{{object: "ConfigMap item-.*", reason: "exceeded quota", count: 10}},
	},
	"the namespace is being deleted and does not go": {
		obstruct: terminating,
		refused: []refusal{
			{object: "Namespace .*", reason: "finalizers"},
			{object: "(ConfigMap|Deployment|Service|Secret|Widget|ServiceAccount|Role|RoleBinding) .*", reason: "run again when the namespace is gone"},
		},
	},
	"a kind has another schema at the destination": {
		obstruct:  otherSchema,
		refused:   []refusal{{object: "Widget widget-(2[1-9]|3.)", reason: "should be less than or equal to 20"}},
		overruled: []string{"Widget .*", "CustomResourceDefinition .*"},
		notices:   []string{"dropped or changed spec.colour of Widgets", "that no migration brought are at the destination with another spec"},
	},
	"an aggregated API of the source is dead":      {obstruct: deadAPI(&here), notices: []string{"its server does not answer"}},
	"an aggregated API of the destination is dead": {obstruct: deadAPI(&there)},
	"a kind's conversion webhook is gone at the source": {
		obstruct: deadConversion,
		notices:  []string{"Gadget"},
	},
}

// final matches the write by which a Migration ends.
func final(r *http.Request) bool {
	return faultproxy.Containing(faultproxy.On(faultproxy.Patches, "migrations/second"), `"stage":"Final"`)(r)
}

// aboutGone matches whether an object is still at the source that a migration to a standby shall purge.
func aboutGone(r *http.Request) bool {
	return faultproxy.Reads(r) && strings.HasPrefix(path.Base(r.URL.Path), "item-009")
}

// inOrder returns the names of the scenarios, those first that take long.
func inOrder() []string {
	return slices.SortedFunc(maps.Keys(scenarios), func(a, b string) int {
		if early := scenarios[a].early; early != scenarios[b].early {
			return map[bool]int{true: -1, false: 1}[early]
		}
		return strings.Compare(a, b)
	})
}

func TestScenarios(t *testing.T) {
	through := newProxy(t, source)
	// The operator's own watches are cut now and then.
	cut := &faultproxy.Fault{Of: faultproxy.Watches, Every: 3, Times: 5, Do: faultproxy.Cut(5 * time.Second)}
	through.Inject(cut)
	startOperator(t, through)
	t.Run("side by side", func(t *testing.T) {
		for number, name := range inOrder() {
			s := scenarios[name]
			t.Run(name, func(t *testing.T) {
				if s.long && !long {
					t.Skip(inLongForm)
				}
				t.Parallel()
				s.run(t, "scenario-"+itoa(number), through)
			})
		}
	})
	if cut.Struck() == 0 {
		t.Error("no watch was cut")
	}
}
