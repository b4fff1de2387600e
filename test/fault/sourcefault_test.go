package fault_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// sourceFaults concern the whole source and all that the operator asks it, so they have the operator for themselves: in the short form
// all at once, in the long form one after the other.
var sourceFaults = map[string]*faultproxy.Fault{
	"it is overloaded and says for how long":    {Of: faultproxy.Reads, Every: 7, Times: 8, Do: faultproxy.TooManyRequests(1)},
	"connections are reset":                     {Of: faultproxy.Any, Every: 40, Times: 4, Do: faultproxy.Reset()},
	"connections are reset in answers":          {Of: faultproxy.Reads, Every: 23, Times: 4, Do: faultproxy.LoseAnswer()},
	"it is slow":                                {Of: faultproxy.Any, Every: 4, Do: faultproxy.Slow(100 * time.Millisecond)},
	"a load balancer finds no API server":       {Of: faultproxy.Reads, Every: 9, Times: 8, Do: faultproxy.BadGateway()},
	"discovery fails now and then":              {Of: discovers, Every: 2, Times: 4, Do: faultproxy.Unavailable()},
	"discovery breaks off":                      {Of: discovers, Times: 2, Do: faultproxy.AbortAnswer()},
	"cluster-scoped lists fail now and then":    {Of: listsCluster, Every: 2, Times: 6, Do: faultproxy.InternalError()},
	"the lease is not renewed now and then":     {Of: faultproxy.On(faultproxy.Writes, "leases"), Every: 2, Do: faultproxy.Unavailable()},
	"answers to renewals of the lease are lost": {Of: faultproxy.On(faultproxy.Writes, "leases"), Every: 2, Times: 3, Do: faultproxy.AbortAnswer()},
	"events are refused":                        {Of: faultproxy.On(faultproxy.Creates, "events"), Do: faultproxy.InternalError()},
}

// discovers matches the questions what is served.
func discovers(r *http.Request) bool {
	return faultproxy.Reads(r) && regexp.MustCompile(`^/(api|apis)(/[^/]+)?(/v[^/]+)?$`).MatchString(r.URL.Path)
}

// listsCluster matches lists of cluster-scoped objects that a migration needs.
func listsCluster(r *http.Request) bool {
	return faultproxy.Reads(r) && regexp.MustCompile(`/(clusterroles|clusterrolebindings|customresourcedefinitions|persistentvolumes)$`).MatchString(r.URL.Path)
}

func TestSourceFaults(t *testing.T) {
	through := newProxy(t, source)
	startOperator(t, through, electing...)
	names := slices.Sorted(maps.Keys(sourceFaults))
	if !long {
		strikeSource(t, "source", through, names...)
		return
	}
	for number, name := range names {
		t.Run(name, func(t *testing.T) { strikeSource(t, "source-"+itoa(number), through, name) })
	}
}

// strikeSource migrates two applications, one to a standby, while the source has these faults.
func strikeSource(t *testing.T, namespace string, through *faultproxy.Proxy, names ...string) {
	t.Helper()
	plain, standby := newWorld(t, "plain-"+namespace, through, 40, false), newWorld(t, "standby-"+namespace, through, 40, true)
	var faults []*faultproxy.Fault
	for _, name := range names {
		faults = append(faults, sourceFaults[name])
	}
	through.Inject(faults...)
	first, second := plain.start("second"), standby.start("second")
	plain.wait(first)
	standby.wait(second)
	through.Heal(faults...)
	plain.judge(first, &scenario{again: true})
	standby.judge(second, &scenario{again: true})
	for _, name := range names {
		plain.Expect(sourceFaults[name].Struck()).To(BeNumerically(">", 0), name)
	}
}
