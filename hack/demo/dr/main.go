// Command dr shows disaster recovery on this machine: an application that is migrated each minute, its failover, what it does on the
// other side, its failback, and a disaster that takes the whole first cluster. It prints what was lost (RPO) and how long nobody took
// orders (RTO).
//
// There is no node, so the application itself is played: a shop that takes two orders a second in the cluster where its Deployment is
// scaled up, and writes each into a ConfigMap.
package main

import (
	"context"

	"github.com/godwit-io/godwit/hack/demo/stage"
)

func main() {
	stage.Play(func(s *stage.Stage) []func(context.Context) error {
		d := &demo{Stage: s}
		return []func(context.Context) error{s.Start, d.open, d.pair, d.protect, d.failOver, d.protectBack, d.failBack, d.lose, d.closeShop}
	})
}
