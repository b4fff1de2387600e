package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

var configMaps = schema.GroupResource{Resource: "configmaps"}

func statusError(code int, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Code: int32(code), Message: message}}
}

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want trouble
	}{
		"success":                          {nil, permanent},
		"not found":                        {apierrors.NewNotFound(configMaps, "x"), permanent},
		"already exists":                   {apierrors.NewAlreadyExists(configMaps, "x"), permanent},
		"invalid":                          {apierrors.NewInvalid(schema.GroupKind{}, "x", nil), permanent},
		"forbidden":                        {apierrors.NewForbidden(configMaps, "x", errors.New("no")), permanent},
		"over quota":                       {apierrors.NewForbidden(configMaps, "x", errors.New("exceeded quota: q")), permanent},
		"a quota without status":           {apierrors.NewForbidden(configMaps, "x", errors.New("status unknown for quota: q, resources: pods")), passing},
		"a conflict about the object":      {apierrors.NewConflict(configMaps, "x", errors.New("modified")), permanent},
		"a conflict about a quota":         {statusError(409, `Operation cannot be fulfilled on resourcequotas "q": the object has been modified`), passing},
		"bad request":                      {apierrors.NewBadRequest("no"), permanent},
		"too large":                        {apierrors.NewRequestEntityTooLargeError("no"), permanent},
		"too large for the database":       {statusError(500, "etcdserver: request is too large"), permanent},
		"what cannot be applied":           {statusError(500, `failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec: duplicate entries`), permanent},
		"a failing webhook":                {apierrors.NewInternalError(errors.New("failed calling webhook")), passing},
		"too many requests":                {apierrors.NewTooManyRequests("slow down", 1), passing},
		"a server that starts":             {apierrors.NewServiceUnavailable("starting"), passing},
		"a gateway without a server":       {statusError(http.StatusBadGateway, ""), passing},
		"a timeout of the server":          {apierrors.NewTimeoutError("slow", 1), passing},
		"unauthorized":                     {apierrors.NewUnauthorized("no"), unauthorized},
		"a wrapped answer":                 {fmt.Errorf("creating: %w", apierrors.NewTooManyRequests("slow down", 1)), passing},
		"a refused connection":             {&url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, silence},
		"a reset connection":               {syscall.ECONNRESET, silence},
		"an end in the middle":             {fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), silence},
		"a request that takes too long":    {context.DeadlineExceeded, silence},
		"a lost connection":                {errors.New("http2: client connection lost"), silence},
		"an object that cannot be encoded": {errors.New("json: unsupported type"), permanent},
		"a name that is no part of a path": {errors.New(`invalid resource name "a/b"`), permanent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := classify(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// attempts sends a request that fails with the errors given, the last one over and over, and returns how often it was sent, how long
// that took and how it ended. It must run in a bubble, whose time goes by when all wait.
func attempts(ctx context.Context, r *retrier, errs ...error) (sent int, took time.Duration, err error) {
	began := r.clock.Now()
	err = r.do(ctx, configMaps, func(context.Context) error {
		sent++
		return errs[min(sent, len(errs))-1]
	})
	return sent, r.clock.Since(began), err
}

func TestRetrier(t *testing.T) {
	busy, gone := apierrors.NewServiceUnavailable("starting"), syscall.ECONNREFUSED
	for name, test := range map[string]struct {
		errs      []error
		wantSent  int
		wantErr   error
		atLeast   time.Duration
		lessThan  time.Duration
		exhausted int // Requests for the kind that failed before.
	}{
		"sends once what succeeds":                       {errs: []error{nil}, wantSent: 1, lessThan: 1},
		"sends once what fails for good":                 {errs: []error{io.ErrShortWrite}, wantSent: 1, wantErr: io.ErrShortWrite, lessThan: 1},
		"repeats what passes":                            {errs: []error{busy, busy, nil}, wantSent: 3, atLeast: 300 * time.Millisecond, lessThan: time.Second},
		"gives up in the end":                            {errs: []error{busy}, wantSent: maxAttempts, wantErr: busy, atLeast: 3 * time.Second, lessThan: 10 * time.Second},
		"waits as long as it is asked to":                {errs: []error{apierrors.NewTooManyRequests("", 7), nil}, wantSent: 2, atLeast: 7 * time.Second, lessThan: 8 * time.Second},
		"does not wait for ever":                         {errs: []error{apierrors.NewTooManyRequests("", 7000), nil}, wantSent: 2, lessThan: time.Minute},
		"hopes little for a credential":                  {errs: []error{apierrors.NewUnauthorized("")}, wantSent: maxUnauthorized, wantErr: apierrors.NewUnauthorized(""), lessThan: 2 * time.Second},
		"waits for a destination that comes back":        {errs: []error{gone, gone, gone, gone, gone, gone, gone, gone, gone, nil}, wantSent: 10, lessThan: outageLimit},
		"gives up on a destination that stays away":      {errs: []error{gone}, wantErr: errUnreachable, wantSent: 17, atLeast: outageLimit, lessThan: outageLimit + longestPause},
		"tries once when its kind fails again and again": {errs: []error{busy}, exhausted: blownAfter, wantSent: 1, wantErr: busy, lessThan: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(clock.RealClock{})
				r.exhausted[configMaps] = test.exhausted
				sent, took, err := attempts(t.Context(), r, test.errs...)
				if !errors.Is(err, test.wantErr) && (err == nil || test.wantErr == nil || err.Error() != test.wantErr.Error()) {
					t.Errorf("got error %v, want %v", err, test.wantErr)
				}
				// The pauses are random, and so is the number of those that fit in a time.
				if sent != test.wantSent && (!errors.Is(err, errUnreachable) || sent < 12 || sent > 40) {
					t.Errorf("sent %d times, want %d", sent, test.wantSent)
				}
				if took < test.atLeast || took >= test.lessThan {
					t.Errorf("took %s, want from %s to %s", took, test.atLeast, test.lessThan)
				}
			})
		})
	}
}

func TestRetrierSendsNothingMoreToADeadDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(clock.RealClock{})
		if _, _, err := attempts(t.Context(), r, syscall.ECONNREFUSED); !errors.Is(err, errUnreachable) {
			t.Fatalf("got error %v", err)
		}
		if r.answered() {
			t.Error("the destination is said to have answered")
		}
		if sent, _, err := attempts(t.Context(), r, nil); sent != 0 || !errors.Is(err, errUnreachable) {
			t.Errorf("sent %d times, error %v", sent, err)
		}
	})
}

func TestRetrierOutlastsAConnectionThatIsLostAfterALongRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(clock.RealClock{})
		if _, _, err := attempts(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		if !pause(t.Context(), r.clock, 2*outageLimit) {
			t.Fatal("no pause")
		}
		if sent, _, err := attempts(t.Context(), r, syscall.ECONNRESET, nil); sent != 2 || err != nil {
			t.Errorf("sent %d times, error %v", sent, err)
		}
	})
}

func TestRetrierGivesUpOnARequestThatBreaksItsConnectionWhileOthersAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(clock.RealClock{})
		sent := 0
		err := r.do(t.Context(), configMaps, func(ctx context.Context) error {
			sent++
			if !pause(ctx, r.clock, time.Second) {
				t.Error("no pause")
			}
			if _, _, err := attempts(ctx, r, nil); err != nil {
				t.Error(err)
			}
			return io.ErrUnexpectedEOF
		})
		if sent != maxAttempts || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("sent %d times, error %v", sent, err)
		}
	})
}

func TestRetrierForgivesAKindThatWorksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(clock.RealClock{})
		r.exhausted[configMaps] = blownAfter
		if _, _, err := attempts(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		if sent, _, _ := attempts(t.Context(), r, apierrors.NewServiceUnavailable("")); sent != maxAttempts {
			t.Errorf("sent %d times, want %d", sent, maxAttempts)
		}
	})
}

func TestRetrierEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, reason)
		defer cancel()
		if _, took, err := attempts(ctx, newRetrier(clock.RealClock{}), syscall.ECONNREFUSED); !errors.Is(err, reason) || took != time.Minute {
			t.Errorf("got error %v after %s", err, took)
		}
	})
}

func TestRetrierBoundsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, sent := newRetrier(clock.RealClock{}), 0
		began := time.Now()
		err := r.do(t.Context(), configMaps, func(ctx context.Context) error {
			if sent++; sent == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		if err != nil || time.Since(began) > requestTimeout+time.Second {
			t.Errorf("got error %v after %s", err, time.Since(began))
		}
	})
}
