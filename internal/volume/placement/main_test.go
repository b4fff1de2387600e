package placement

import (
	"testing"

	"github.com/godwit-io/godwit/test/leak"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }
