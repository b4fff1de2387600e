package inventory

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// readBackoff has something read again for some three seconds: a source of hundreds of lists could not be read otherwise if one
// request in a hundred fails.
var readBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 6}

// patiently reads, and reads again where the failure may pass.
func patiently[T any](ctx context.Context, read func(context.Context) (T, error)) (result T, err error) {
	ended := wait.ExponentialBackoffWithContext(ctx, readBackoff, func(ctx context.Context) (bool, error) {
		result, err = read(ctx)
		return err == nil || !mayPass(err), nil
	})
	if err == nil {
		err = ended // ctx ended before the first attempt.
	}
	return result, err
}

// mayPass tells whether the same request may succeed a moment later: the API server is overloaded or starts, or the connection broke.
func mayPass(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return true
	}
	code := status.Status().Code
	return !concernsKindOnly(err) && (code == http.StatusTooManyRequests || code >= http.StatusInternalServerError)
}
