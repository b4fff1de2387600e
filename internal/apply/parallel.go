package apply

import "sync"

// inParallel calls do for each item, for at most limit of them at once, and returns when all calls have.
func inParallel[T any](limit int, items []T, do func(T)) {
	var group sync.WaitGroup
	queue := make(chan T)
	for range min(limit, len(items)) {
		group.Go(func() {
			for item := range queue {
				do(item)
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	group.Wait()
}
