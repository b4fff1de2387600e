// Package leak has a test binary fail when a goroutine outlives its tests.
//
// It must know nothing of what is tested.
package leak

import (
	"testing"

	"go.uber.org/goleak"
)

// ginkgoInterrupts waits for Ctrl-C as long as the process lives.
const ginkgoInterrupts = "github.com/onsi/ginkgo/v2/internal/interrupt_handler.(*InterruptHandler).registerForInterrupts.func2"

// Main runs the tests, for a TestMain, and ends the process. Further options say what of a library is known to stay.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(m, append(options, goleak.IgnoreTopFunction(ginkgoInterrupts))...)
}

// Find returns an error that tells of goroutines beside the caller's. It gives those that are about to end some time.
func Find() error { return goleak.Find(goleak.IgnoreTopFunction(ginkgoInterrupts)) }

// Since returns what finds the goroutines that have been started from now on and are still there, like Find. Connections that wait
// for their next request do not count.
func Since() func() error {
	before := goleak.IgnoreCurrent()
	return func() error { return goleak.Find(before, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait")) }
}
