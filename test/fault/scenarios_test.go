package fault_test

import (
	"maps"
	"net/http"
	"slices"
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
	"the destination forgets lists half way": {items: 1020, destination: faults(
		&faultproxy.Fault{Of: faultproxy.Continued, Do: faultproxy.Expired()},
	)},
	"the source forgets a list half way": {items: 520, again: true, source: faults(
		&faultproxy.Fault{Of: faultproxy.Continued, Do: faultproxy.Expired()},
	)},
	"requests are lost": {long: true, destination: faults(
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

	"objects are deleted and changed while they are read": {items: 520, source: faults(
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

func TestScenarios(t *testing.T) {
	through := newProxy(t, source)
	// The operator's own watches are cut now and then.
	cut := &faultproxy.Fault{Of: faultproxy.Watches, Every: 3, Times: 5, Do: faultproxy.Cut(5 * time.Second)}
	through.Inject(cut)
	startOperator(t, through)
	t.Run("side by side", func(t *testing.T) {
		for number, name := range slices.Sorted(maps.Keys(scenarios)) {
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
