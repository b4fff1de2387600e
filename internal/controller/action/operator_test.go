package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/activation"
	"github.com/godwit-io/godwit/internal/failover"
	"github.com/godwit-io/godwit/internal/remote"
)

var errDead = errors.New("this operator is dead")

// faults are what requests of an operator meet.
type faults struct {
	mu sync.Mutex
	// refuse tells which writes to a cluster are forbidden.
	refuse func(s *side, method, path string) bool
	// lives is how many writes an operator has left; nil means any number. One that has none left can do nothing any more.
	lives *int
	// unreachable is a cluster that does not answer.
	unreachable *side
	writes      int
}

// wrap puts the faults into the way to a cluster.
func (f *faults) wrap(s *side) *rest.Config {
	config := s.Config()
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if response, err := f.meet(s, request); response != nil || err != nil {
				return response, err
			}
			return next.RoundTrip(request)
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func (f *faults) meet(s *side, request *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	write := request.Method != http.MethodGet
	switch {
	case f.unreachable == s:
		return nil, errors.New("no route to host")
	case f.lives != nil && *f.lives <= 0:
		return nil, errDead
	case write && f.refuse != nil && f.refuse(s, request.Method, request.URL.Path):
		body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"%s is refused"}`, request.URL.Path)
		return &http.Response{
			StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: request,
			Body: io.NopCloser(bytes.NewBufferString(body)),
		}, nil
	case write:
		f.writes++
		if f.lives != nil {
			*f.lives--
		}
	}
	return nil, nil
}

// set changes the faults.
func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// pool reaches the other cluster through the faults.
type pool struct {
	*remote.Pool
	other  *side
	faults *faults
}

func (p pool) Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*remote.Cluster, error) {
	cluster, err := p.Pool.Get(ctx, pair)
	if err != nil || cluster.ServerHost != hostOf(p.other) {
		return cluster, err
	}
	copied := remote.Cluster{ServerHost: cluster.ServerHost}
	copied.Dynamic, copied.Discovery = clients(p.faults.wrap(p.other))
	return &copied, nil
}

func hostOf(s *side) string {
	GinkgoHelper()
	url, _, err := rest.DefaultServerUrlFor(s.Config())
	Expect(err).NotTo(HaveOccurred())
	return url.Host
}

func clients(config *rest.Config) (dynamic.Interface, discovery.DiscoveryInterface) {
	GinkgoHelper()
	objects, err := dynamic.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	return objects, kinds
}

// operator is a Reconciler in the secondary, where both kinds of Actions are.
func (f *fixture) operator() *Reconciler {
	GinkgoHelper()
	config := f.faults.wrap(secondary)
	c, err := localgodwit.Client(config)
	Expect(err).NotTo(HaveOccurred())
	clusters := &Clusters{Reader: c, Pool: pool{remote.NewPool(c, remote.Options{}), primary, f.faults}}
	clusters.Here.Dynamic, clusters.Here.Discovery = clients(config)
	return &Reconciler{Client: c, Live: c, Recorder: f.recorder, Guide: &failover.Guide{
		Clusters: clusters, Clock: f.clock,
		Options: failover.Options{
			AdminNamespace: adminNamespace, Patience: failover.DefaultPatience, PodsTimeout: failover.DefaultPodsTimeout, MigrationTimeout: time.Hour,
		},
	}}
}

var _ failover.Clusters = &Clusters{}
var _ activation.Cluster

// failover creates a failover, and failback one back.
func (f *fixture) failover(ctx context.Context, changes ...func(*storkv1alpha1.FailoverParameter)) *storkv1alpha1.Action {
	GinkgoHelper()
	action := &storkv1alpha1.Action{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.home, GenerateName: "failover-"},
		Spec:       storkv1alpha1.ActionSpec{ActionType: storkv1alpha1.ActionTypeFailover},
	}
	parameter := &action.Spec.ActionParameter.FailoverParameter
	parameter.MigrationScheduleReference = f.name(forward)
	for _, change := range changes {
		change(parameter)
	}
	Expect(secondary.Create(ctx, action)).To(Succeed())
	return action
}

func (f *fixture) failback(ctx context.Context, changes ...func(*storkv1alpha1.FailbackParameter)) *storkv1alpha1.Action {
	GinkgoHelper()
	action := &storkv1alpha1.Action{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.home, GenerateName: "failback-"},
		Spec:       storkv1alpha1.ActionSpec{ActionType: storkv1alpha1.ActionTypeFailback},
	}
	parameter := &action.Spec.ActionParameter.FailbackParameter
	parameter.MigrationScheduleReference = f.name(backward)
	for _, change := range changes {
		change(parameter)
	}
	Expect(secondary.Create(ctx, action)).To(Succeed())
	return action
}

// once takes one look at an Action.
func (f *fixture) once(ctx context.Context, action *storkv1alpha1.Action, operator *Reconciler) error {
	GinkgoHelper()
	_, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(action)})
	if getErr := secondary.Get(ctx, client.ObjectKeyFromObject(action), action); getErr != nil {
		Expect(absent(getErr)).To(BeTrue())
	}
	return err
}

// until has an operator reconcile an Action until it is as it should be.
func (f *fixture) until(ctx context.Context, action *storkv1alpha1.Action, done func() bool) *storkv1alpha1.Action {
	GinkgoHelper()
	operator := f.operator()
	Eventually(func(g Gomega) {
		g.Expect(f.once(ctx, action, operator)).To(Succeed())
		g.Expect(done()).To(BeTrue(), "stage %q, status %q: %s", action.Status.Stage, action.Status.Status, succeeded(action))
	}).Should(Succeed())
	return action
}

// finish has an operator work until an Action is Final.
func (f *fixture) finish(ctx context.Context, action *storkv1alpha1.Action) *storkv1alpha1.Action {
	GinkgoHelper()
	return f.until(ctx, action, func() bool { return final(action) })
}

// succeed does so and expects success.
func (f *fixture) succeed(ctx context.Context, action *storkv1alpha1.Action) *storkv1alpha1.Action {
	GinkgoHelper()
	f.finish(ctx, action)
	Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusSuccessful), action.Status.Reason)
	Expect(action.Finalizers).To(BeEmpty())
	return action
}

// at has an operator work until an Action is in a stage.
func (f *fixture) at(ctx context.Context, action *storkv1alpha1.Action, stage storkv1alpha1.ActionStageType) *storkv1alpha1.Action {
	GinkgoHelper()
	return f.until(ctx, action, func() bool { return action.Status.Stage == stage })
}

// summary tells how each namespace ended.
func summary(action *storkv1alpha1.Action) map[string]storkv1alpha1.ActionStatusType {
	found := map[string]storkv1alpha1.ActionStatusType{}
	if action.Status.Summary == nil {
		return found
	}
	for _, entry := range append(action.Status.Summary.FailoverSummary, action.Status.Summary.FailbackSummary...) {
		found[entry.Namespace] = entry.Status
	}
	return found
}

// told are the events so far.
func (f *fixture) told() (all []string) {
	for {
		select {
		case event := <-f.recorder.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}
