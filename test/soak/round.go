package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/objects"
)

const (
	// inTurn is how many Migrations of a round run one after the other; then all namespaces are migrated in parallel.
	inTurn = 2
	// migrationsOfRound is how many there are at least; one that did not bring all is followed by another.
	migrationsOfRound = inTurn + 4
	// minRounds gives each quarter of the time two.
	minRounds = 8
	// keptMigrations is how many finished ones a namespace keeps, so that the operator has the same to remember all the time.
	keptMigrations = 5
	// strikeWithin is how long after the first Migration a fault begins at most.
	strikeWithin = 600 * time.Millisecond
	// pairName is the ClusterPair of each namespace.
	pairName = "destination"
)

// round gives one pair a new credential, changes the source, migrates while something goes wrong, and makes good for it.
func (s *soak) round(ctx context.Context, number int) error {
	if err := s.renewPair(ctx, number); err != nil {
		return err
	}
	if err := s.change(ctx, number); err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error {
		if err := pause(ctx, rand.N(strikeWithin)); err != nil {
			return err
		}
		return s.fault(number).strike(ctx)
	})
	complete, err := s.migrateAll(ctx, number)
	if err = errors.Join(err, group.Wait()); err != nil {
		return err
	}
	for _, namespace := range namespaces {
		if complete[namespace] {
			continue
		}
		if again, err := s.migrate(ctx, namespace, fmt.Sprintf("round-%03d-again", number+1)); err != nil {
			return err
		} else if !again {
			s.complain("round %d: namespace %s is not complete although both clusters are well", number+1, namespace)
		}
	}
	return s.tidy(ctx)
}

// migrateAll migrates some namespaces in turn and then all in parallel. It tells which of them arrived completely in the end.
func (s *soak) migrateAll(ctx context.Context, number int) (map[string]bool, error) {
	for i := range inTurn {
		namespace := namespaces[(number+i)%len(namespaces)]
		if _, err := s.migrate(ctx, namespace, fmt.Sprintf("round-%03d-alone", number+1)); err != nil {
			return nil, err
		}
	}
	complete := make([]bool, len(namespaces))
	group, ctx := errgroup.WithContext(ctx)
	for i, namespace := range namespaces {
		group.Go(func() (err error) {
			complete[i], err = s.migrate(ctx, namespace, fmt.Sprintf("round-%03d-together", number+1))
			return err
		})
	}
	err := group.Wait()
	by := map[string]bool{}
	for i, namespace := range namespaces {
		by[namespace] = complete[i]
	}
	return by, err
}

// migrate runs one Migration to its end, compares both sides, and tells whether everything arrived.
func (s *soak) migrate(ctx context.Context, namespace, name string) (complete bool, err error) {
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: storkv1alpha1.MigrationSpec{
			ClusterPair: pairName, Namespaces: []string{namespace},
			IncludeVolumes: new(false), StartApplications: new(true), PurgeDeletedResources: new(true),
		},
	}
	err = eventually(ctx, func(ctx context.Context) error {
		err := s.source.client.Create(ctx, migration)
		if apierrors.IsAlreadyExists(err) {
			return nil // An attempt without an answer.
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("creating Migration %s/%s: %w", namespace, name, err)
	}
	err = eventually(ctx, func(ctx context.Context) error {
		if err := s.source.client.Get(ctx, client.ObjectKeyFromObject(migration), migration); err != nil {
			return err
		}
		if migration.Status.Stage != storkv1alpha1.MigrationStageFinal {
			return fmt.Errorf("it is %s, %s: %s", migration.Status.Stage, migration.Status.Status, message(migration))
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("migration %s/%s did not end: %w", namespace, name, err)
	}
	s.count(string(migration.Status.Status))
	return migration.Status.Status == storkv1alpha1.MigrationStatusSuccessful, s.compare(ctx, migration)
}

func message(migration *storkv1alpha1.Migration) string {
	if condition := apimeta.FindStatusCondition(migration.Status.Conditions, storkv1alpha1.ConditionSucceeded); condition != nil {
		return condition.Message
	}
	return ""
}

// eventually tries something until it succeeds. The error is the last one.
func eventually(ctx context.Context, try func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, settleTimeout, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// change gives all ConfigMaps another content, and takes one away and the one of the round before back.
func (s *soak) change(ctx context.Context, number int) error {
	maps := s.source.dynamic.Resource(objects.ConfigMaps.Resource)
	n := objectsOfNamespace / 5 // As many as the mix has.
	gone, back := number%n, (number+n-1)%n
	for _, namespace := range namespaces {
		if number > 0 {
			_, err := maps.Namespace(namespace).Create(ctx, objects.ConfigMaps.Make(namespace, back), metav1.CreateOptions{})
			if err != nil {
				return err
			}
		}
		if err := maps.Namespace(namespace).Delete(ctx, objects.ConfigMaps.Make(namespace, gone).GetName(), metav1.DeleteOptions{}); err != nil {
			return err
		}
		for i := range n {
			if i == gone {
				continue
			}
			patch := fmt.Appendf(nil, `{"data":{"content":"changed in round %d"}}`, number+1)
			_, err := maps.Namespace(namespace).
				Patch(ctx, objects.ConfigMaps.Make(namespace, i).GetName(), types.MergePatchType, patch, metav1.PatchOptions{})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pairAll pairs all namespaces.
func (s *soak) pairAll(ctx context.Context) error {
	for _, namespace := range namespaces {
		if err := s.pair(ctx, namespace, "first"); err != nil {
			return err
		}
	}
	return nil
}

func (s *soak) pair(ctx context.Context, namespace, user string) error {
	kubeconfig, err := s.destination.cluster.UserKubeconfig(namespace+"-"+user, "system:masters")
	if err != nil {
		return err
	}
	if kubeconfig, err = s.destination.proxy.through(kubeconfig); err != nil {
		return err
	}
	return localgodwit.Pair(ctx, s.source.client, namespace, pairName, kubeconfig, nil)
}

// renewPair deletes a pair and makes it anew, with another credential.
func (s *soak) renewPair(ctx context.Context, number int) error {
	namespace := namespaces[number%len(namespaces)]
	pair := &storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pairName}}
	if err := s.source.client.Delete(ctx, pair); err != nil {
		return err
	}
	err := eventually(ctx, func(ctx context.Context) error {
		err := s.source.client.Get(ctx, client.ObjectKeyFromObject(pair), pair)
		if err == nil {
			return fmt.Errorf("it is still there: %+v", pair.Status)
		}
		return client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("deleting ClusterPair %s/%s: %w", namespace, pairName, err)
	}
	return s.pair(ctx, namespace, fmt.Sprintf("%03d", number+1))
}

// waitReady returns when all pairs are Ready.
func (s *soak) waitReady(ctx context.Context) error {
	return eventually(ctx, func(ctx context.Context) error {
		for _, namespace := range namespaces {
			pair := &storkv1alpha1.ClusterPair{}
			if err := s.source.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: pairName}, pair); err != nil {
				return err
			}
			if !apimeta.IsStatusConditionTrue(pair.Status.Conditions, storkv1alpha1.ConditionReady) {
				return fmt.Errorf("ClusterPair %s/%s is not Ready: %+v", namespace, pairName, pair.Status)
			}
		}
		return nil
	})
}

// tidy deletes the Migrations that are no longer of interest.
func (s *soak) tidy(ctx context.Context) error {
	for _, namespace := range namespaces {
		list := &storkv1alpha1.MigrationList{}
		if err := s.source.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return err
		}
		slices.SortFunc(list.Items, func(a, b storkv1alpha1.Migration) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		for i := range max(0, len(list.Items)-keptMigrations) {
			if err := s.source.client.Delete(ctx, &list.Items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
