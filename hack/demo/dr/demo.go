package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/godwit-io/godwit/hack/demo/stage"
)

// namespace of the application.
const namespace = "shop"

//go:embed shop.yaml
var application []byte

// demo fails the shop over and back.
type demo struct {
	*stage.Stage
	shop *shop
}

// open creates the application and lets it take orders.
func (d *demo) open(ctx context.Context) (err error) {
	d.Title("Open a shop at the source: it takes two orders a second, each a ConfigMap")
	if err := d.Apply(ctx, stage.Source, application); err != nil {
		return err
	}
	d.shop, err = openShop(ctx, d.Stage)
	return err
}

func (d *demo) pair(ctx context.Context) error {
	d.Title("Pair the clusters, in both directions at once")
	err := d.Show(ctx, stage.Source, "storkctl", "create", "clusterpair", "remote", "-n", namespace, "--mode", "sync-dr",
		"--src-kube-file", d.Clusters[stage.Source].KubeconfigFile(), "--dest-kube-file", d.Clusters[stage.Destination].KubeconfigFile())
	if err != nil {
		return err
	}
	for _, cluster := range []int{stage.Source, stage.Destination} {
		if _, err := d.Kubectl(ctx, cluster, nil, "wait", "--for=condition=Ready", "--timeout=60s", "-n", namespace, "clusterpair/remote"); err != nil {
			return err
		}
	}
	return nil
}

// protect has the shop migrated each minute.
func (d *demo) protect(ctx context.Context) error {
	d.Title("Migrate the shop each minute")
	if err := d.schedule(ctx, stage.Source, "shop"); err != nil {
		return err
	}
	d.Say("The destination has a copy of the schedule, by which it can be failed over without the source:\n")
	return d.Show(ctx, stage.Destination, "storkctl", "get", "migrationschedules", "-n", namespace)
}

// schedule makes a policy and a schedule in a cluster, and waits until its first Migration has succeeded.
func (d *demo) schedule(ctx context.Context, cluster int, name string) error {
	for _, command := range [][]string{
		{"storkctl", "create", "schedulepolicy", "every-minute", "--policy-type", "Interval", "--interval-minutes", "1"},
		{"storkctl", "create", "migrationschedule", name, "-n", namespace, "--cluster-pair", "remote", "--namespaces", namespace,
			"--schedule-policy-name", "every-minute", "--exclude-volumes"},
	} {
		if err := d.Show(ctx, cluster, command...); err != nil {
			return err
		}
	}
	if err := d.awaitMigration(ctx, cluster, name); err != nil {
		return err
	}
	return d.Show(ctx, cluster, "storkctl", "get", "migrationschedules", name, "-n", namespace)
}

// awaitMigration waits until a schedule has a successful Migration that began after now.
func (d *demo) awaitMigration(ctx context.Context, cluster int, schedule string) error {
	since := time.Now().UTC().Format(time.RFC3339)
	const query = `jsonpath={range .status.items.Interval[?(@.status=="Successful")]}{.creationTimestamp}{"\n"}{end}`
	return until(ctx, "a Migration of schedule "+schedule, func(ctx context.Context) (bool, error) {
		output, err := d.Kubectl(ctx, cluster, nil, "get", "migrationschedule", schedule, "-n", namespace, "-o", query)
		for created := range strings.FieldsSeq(output) {
			if created >= since {
				return true, nil
			}
		}
		return false, err
	})
}

// failOver moves the shop to the destination.
func (d *demo) failOver(ctx context.Context) error {
	d.Title("Fail over: stop the shop at the source, migrate what is new, start it at the destination")
	return d.move(ctx, stage.Source, "failover", "-m", "shop")
}

// protectBack has the shop migrated back each minute.
func (d *demo) protectBack(ctx context.Context) error {
	d.Title("Go on at the destination, and migrate back each minute")
	return d.schedule(ctx, stage.Destination, "shop-back")
}

// failBack moves the shop to the source, whose schedule goes on by itself.
func (d *demo) failBack(ctx context.Context) error {
	d.Title("Fail back: the same the other way round")
	if err := d.move(ctx, stage.Destination, "failback", "-m", "shop-back"); err != nil {
		return err
	}
	d.Say("The schedule at the source goes on by itself:\n")
	if err := d.awaitMigration(ctx, stage.Source, "shop"); err != nil {
		return err
	}
	return d.Show(ctx, stage.Source, "storkctl", "get", "migrationschedules", "shop", "-n", namespace)
}

// lose kills the source.
func (d *demo) lose(ctx context.Context) error {
	d.Title("Disaster: the source is gone, with all that was not migrated yet")
	for _, process := range []string{"kube-apiserver", "etcd"} {
		if err := d.Clusters[stage.Source].StopProcess(process); err != nil {
			return err
		}
	}
	return d.move(ctx, stage.Source, "failover", "-m", "shop", "--skip-source-operations")
}

// move performs an Action at the destination, waits until the shop is open there, and tells what that cost.
func (d *demo) move(ctx context.Context, from int, arguments ...string) error {
	began := time.Now()
	command := append([]string{"storkctl", "perform"}, arguments...)
	if err := d.Show(ctx, stage.Destination, append(command, "-n", namespace, "--force", "--wait")...); err != nil {
		return err
	}
	var cost handover
	var problem error
	err := until(ctx, "an order in the other cluster", func(ctx context.Context) (bool, error) {
		cost, problem = d.shop.measure(ctx, from, began)
		return problem == nil, nil
	})
	if err != nil {
		return errors.Join(err, problem)
	}
	d.Say("RPO: %d of %d orders were lost, the time between the newest that is left and the last is %s.",
		cost.lost, cost.taken, cost.recoveryPoint.Round(10*time.Millisecond))
	d.Say("RTO: no order was taken for %s.", cost.recoveryTime.Round(10*time.Millisecond))
	if cost.twice > 0 {
		return fmt.Errorf("the shop was open in both clusters at once: %d orders have the same number", cost.twice)
	}
	return nil
}

func (d *demo) closeShop(context.Context) error {
	d.shop.close()
	return nil
}

// until waits for a condition, two minutes at most. A request that fails is tried again.
func until(ctx context.Context, what string, condition wait.ConditionWithContextFunc) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		met, err := condition(ctx)
		last = err
		return met, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, errors.Join(err, last))
	}
	return nil
}
