package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/godwit-io/godwit/hack/demo/stage"
)

// orderInterval is the time between two orders.
const orderInterval = 500 * time.Millisecond

// shop takes orders in each cluster where its Deployment is scaled up.
type shop struct {
	clients [2]kubernetes.Interface
	stop    context.CancelFunc
	ended   chan struct{}

	mu sync.Mutex
	// taken are the orders that a cluster confirmed, by name, with the time.
	taken [2]map[string]time.Time
}

// openShop begins to take orders, until close is called.
func openShop(ctx context.Context, s *stage.Stage) (*shop, error) {
	opened := &shop{ended: make(chan struct{})}
	for i, cluster := range s.Clusters {
		config := cluster.Config()
		config.Timeout = time.Second // A cluster that is gone must not keep the other one waiting.
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		opened.clients[i], opened.taken[i] = client, map[string]time.Time{}
	}
	ctx, opened.stop = context.WithCancel(ctx)
	go opened.takeOrders(ctx)
	return opened, nil
}

func (s *shop) close() {
	s.stop()
	<-s.ended
}

func (s *shop) takeOrders(ctx context.Context) {
	defer close(s.ended)
	tick := time.NewTicker(orderInterval)
	defer tick.Stop()
	for number := 1; ; number++ {
		for cluster := range s.clients {
			s.takeOrder(ctx, cluster, fmt.Sprintf("order-%04d", number))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// takeOrder writes an order where the shop is open. One that cannot be written was never confirmed, so it is not missed either.
func (s *shop) takeOrder(ctx context.Context, cluster int, name string) {
	web, err := s.clients[cluster].AppsV1().Deployments(namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil || !isOpen(web) {
		return
	}
	now := time.Now()
	order := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"taken": now.Format(time.RFC3339Nano)}}
	if _, err := s.clients[cluster].CoreV1().ConfigMaps(namespace).Create(ctx, order, metav1.CreateOptions{}); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[cluster][name] = now
}

func isOpen(web *appsv1.Deployment) bool { return web.Spec.Replicas != nil && *web.Spec.Replicas > 0 }

// handover is what a move of the shop cost.
type handover struct {
	// taken by the old side, lost of these, and taken by both at once.
	taken, lost, twice int
	// recoveryPoint is how much older than the last order the newest one is that was not lost; recoveryTime is how long no order
	// was taken.
	recoveryPoint, recoveryTime time.Duration
}

// measure compares what was confirmed in cluster from since a time with what there is in the other one.
func (s *shop) measure(ctx context.Context, from int, since time.Time) (handover, error) {
	to := 1 - from
	list, err := s.clients[to].CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return handover{}, err
	}
	arrived := map[string]bool{}
	for _, order := range list.Items {
		arrived[order.Name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var h handover
	var last, kept, first time.Time
	for name, at := range s.taken[from] {
		h.taken++
		last = latest(last, at)
		if _, both := s.taken[to][name]; both {
			h.twice++
		}
		if !arrived[name] {
			h.lost++
			continue
		}
		kept = latest(kept, at)
	}
	for _, at := range slices.SortedFunc(maps.Values(s.taken[to]), time.Time.Compare) {
		if at.After(since) {
			first = at
			break
		}
	}
	if first.IsZero() {
		return h, fmt.Errorf("the shop has taken no order in the other cluster since %s", since.Format(time.TimeOnly))
	}
	h.recoveryPoint, h.recoveryTime = last.Sub(kept), first.Sub(last)
	return h, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
