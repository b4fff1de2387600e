package clusterpair

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	initial     = storkv1alpha1.ClusterPairStatusInitial
	pending     = storkv1alpha1.ClusterPairStatusPending
	ready       = storkv1alpha1.ClusterPairStatusReady
	failed      = storkv1alpha1.ClusterPairStatusError
	degraded    = storkv1alpha1.ClusterPairStatusDegraded
	notProvided = storkv1alpha1.ClusterPairStatusNotProvided
)

func TestSchedulerStatus(t *testing.T) {
	const short, long = degradedPeriod - time.Second, degradedPeriod
	for name, tc := range map[string]struct {
		before  storkv1alpha1.ClusterPairStatusType
		reason  string
		failing time.Duration
		want    storkv1alpha1.ClusterPairStatusType
	}{
		"becomes ready":                  {initial, storkv1alpha1.ReasonReady, 0, ready},
		"recovers":                       {failed, storkv1alpha1.ReasonReady, long, ready},
		"fails at once when never ready": {initial, storkv1alpha1.ReasonUnreachable, 0, failed},
		"fails at once after waiting for the Secret":     {pending, storkv1alpha1.ReasonUnreachable, 0, failed},
		"degrades when it was ready":                     {ready, storkv1alpha1.ReasonUnreachable, 0, degraded},
		"stays degraded for a while":                     {degraded, storkv1alpha1.ReasonUnreachable, short, degraded},
		"fails in the end":                               {degraded, storkv1alpha1.ReasonUnreachable, long, failed},
		"stays failed":                                   {failed, storkv1alpha1.ReasonUnreachable, 0, failed},
		"degrades when the credential is revoked":        {ready, storkv1alpha1.ReasonUnauthorized, 0, degraded},
		"fails when the credential stays revoked":        {degraded, storkv1alpha1.ReasonUnauthorized, long, failed},
		"fails at once by a kubeconfig that is refused":  {ready, storkv1alpha1.ReasonCredentialInvalid, 0, failed},
		"fails at once when it leads to its own cluster": {ready, storkv1alpha1.ReasonSameCluster, 0, failed},
		"waits for the Secret":                           {initial, storkv1alpha1.ReasonSecretNotFound, 0, pending},
		"waits for a Secret that was there":              {ready, storkv1alpha1.ReasonSecretNotFound, long, pending},
		"fails without the permissions from the start":   {initial, storkv1alpha1.ReasonPermissionsMissing, 0, failed},
		"degrades when permissions are taken away":       {ready, storkv1alpha1.ReasonPermissionsMissing, 0, degraded},
		"stays degraded without permissions":             {degraded, storkv1alpha1.ReasonPermissionsMissing, long, degraded},
	} {
		t.Run(name, func(t *testing.T) {
			if got := schedulerStatus(tc.before, tc.reason, tc.failing); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestSetReady(t *testing.T) {
	for name, tc := range map[string]struct {
		status, storage storkv1alpha1.ClusterPairStatusType
		reason          string
		want            string
	}{
		"both halves":             {ready, ready, storkv1alpha1.ReasonReady, "True/Ready"},
		"objects only":            {ready, notProvided, storkv1alpha1.ReasonReady, "True/Ready"},
		"storage fails":           {ready, failed, storkv1alpha1.ReasonReady, "False/StorageError"},
		"storage waits":           {ready, pending, storkv1alpha1.ReasonReady, "False/Pending"},
		"both fail":               {failed, failed, storkv1alpha1.ReasonUnreachable, "False/Unreachable"},
		"degraded":                {degraded, ready, storkv1alpha1.ReasonPermissionsMissing, "False/PermissionsMissing"},
		"waits for the Secret":    {pending, notProvided, storkv1alpha1.ReasonSecretNotFound, "False/SecretNotFound"},
		"the kubeconfig is wrong": {failed, notProvided, storkv1alpha1.ReasonCredentialInvalid, "False/CredentialInvalid"},
	} {
		t.Run(name, func(t *testing.T) {
			pair := &storkv1alpha1.ClusterPair{}
			pair.Generation = 7
			pair.Status.SchedulerStatus = tc.status
			setReady(pair, schedulerFacts{reason: tc.reason}, storageFacts{status: tc.storage}, epoch)
			if got := state(pair, storkv1alpha1.ConditionReady); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if condition := pair.Status.Conditions[0]; condition.ObservedGeneration != 7 || !condition.LastTransitionTime.Time.Equal(epoch) {
				t.Errorf("condition %+v, want generation 7 and the clock's time", condition)
			}
		})
	}
}

func TestCut(t *testing.T) {
	const limit = 100
	for name, text := range map[string]string{
		"short":               "short",
		"just short enough":   strings.Repeat("x", limit),
		"too long":            strings.Repeat("x", limit+1),
		"cut in a character":  strings.Repeat("ä", limit),
		"cut in another byte": "x" + strings.Repeat("ä", limit),
	} {
		t.Run(name, func(t *testing.T) {
			got := cut(text, limit)
			if len(got) > limit || !utf8.ValidString(got) || len(text) <= limit && got != text {
				t.Errorf("%d bytes of %d, valid: %v", len(got), len(text), utf8.ValidString(got))
			}
		})
	}
}

func TestNextLookIsSpread(t *testing.T) {
	r := &Reconciler{Options: Options{ProbeInterval: time.Hour}}
	pair := &storkv1alpha1.ClusterPair{}
	pair.Status.SchedulerStatus = ready
	seen := map[time.Duration]bool{}
	for range 10 {
		next := r.nextLook(pair, epoch)
		if next < time.Hour || next > 72*time.Minute {
			t.Fatalf("next look in %s, want one hour and up to a fifth more", next)
		}
		seen[next] = true
	}
	if len(seen) == 1 {
		t.Error("all pairs are probed at the same time")
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	pair := &storkv1alpha1.ClusterPair{}
	pair.Namespace, pair.Name = "web", "pair"
	for status, want := range map[storkv1alpha1.ClusterPairStatusType]float64{
		initial: 0, pending: 1, ready: 2, failed: 3, degraded: 4, storkv1alpha1.ClusterPairStatusDeleting: 5, notProvided: 6,
	} {
		pair.Status.SchedulerStatus, pair.Status.StorageStatus = status, status
		m.observe(pair)
		if got := testutil.ToFloat64(m.scheduler.WithLabelValues("pair", "web")); got != want {
			t.Errorf("scheduler status %q is %v, want %v", status, got, want)
		}
		if got := testutil.ToFloat64(m.storage.WithLabelValues("pair", "web")); got != want {
			t.Errorf("storage status %q is %v, want %v", status, got, want)
		}
	}
	m.forget(types.NamespacedName{Namespace: "web", Name: "pair"})
	if n := testutil.CollectAndCount(registry); n != 0 {
		t.Errorf("%d metrics of a pair that is gone", n)
	}
	if _, err := newMetrics(registry); err == nil {
		t.Error("metrics were registered twice")
	}
}
