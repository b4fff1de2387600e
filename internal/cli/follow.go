package cli

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// change is an object that is new, changed or deleted.
type change struct {
	object  client.Object
	deleted bool
}

// handler is told of changes and returns true when it has seen enough.
type handler func([]change) (done bool, err error)

// follow tells handle of the objects that options select, in one call, and then of each change of them, until handle is done or
// returns an error. It outlives lost connections and returns when ctx ends.
func follow(ctx context.Context, c client.WithWatch, list client.ObjectList, options *client.ListOptions, handle handler) error {
	f := &follower{client: c, list: list, options: options, handle: handle, known: map[client.ObjectKey]client.Object{}}
	for {
		done, err := f.readAndWatch(ctx)
		// The server forgets old changes; then everything is read anew.
		if done || !apierrors.IsGone(err) && !apierrors.IsResourceExpired(err) {
			return err
		}
	}
}

type follower struct {
	client  client.WithWatch
	list    client.ObjectList
	options *client.ListOptions
	handle  handler
	known   map[client.ObjectKey]client.Object
}

func (f *follower) readAndWatch(ctx context.Context) (done bool, err error) {
	list := f.list.DeepCopyObject().(client.ObjectList)
	if err := f.client.List(ctx, list, f.options); err != nil {
		return false, err
	}
	if done, err := f.handle(f.differences(items(list))); done || err != nil {
		return done, err
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), f)
	if err != nil {
		return false, err
	}
	defer func() {
		watcher.Stop()
		<-watcher.Done()
	}()
	for event := range watcher.ResultChan() {
		if done, err := f.handleEvent(event); done || err != nil {
			return done, err
		}
	}
	return true, ctx.Err()
}

// differences returns what changed since objects were read before, and remembers them.
func (f *follower) differences(objects []client.Object) []change {
	var changes []change
	gone := f.known
	f.known = map[client.ObjectKey]client.Object{}
	for _, object := range objects {
		key := client.ObjectKeyFromObject(object)
		if before, ok := gone[key]; !ok || before.GetResourceVersion() != object.GetResourceVersion() {
			changes = append(changes, change{object: object})
		}
		delete(gone, key)
		f.known[key] = object
	}
	for _, object := range gone {
		changes = append(changes, change{object: object, deleted: true})
	}
	return changes
}

func (f *follower) handleEvent(event watch.Event) (done bool, err error) {
	if event.Type == watch.Error {
		return false, apierrors.FromObject(event.Object)
	}
	object, ok := event.Object.(client.Object)
	if !ok {
		return false, fmt.Errorf("watching: the server sent an unexpected %T", event.Object)
	}
	key := client.ObjectKeyFromObject(object)
	deleted := event.Type == watch.Deleted
	if deleted {
		delete(f.known, key)
	} else {
		f.known[key] = object
	}
	return f.handle([]change{{object: object, deleted: deleted}})
}

var _ cache.WatcherWithContext = &follower{}

// WatchWithContext starts to watch what follow selects.
func (f *follower) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	selected := *f.options
	selected.Raw = &options
	return f.client.Watch(ctx, f.list, &selected)
}
