package tenant_test

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

var (
	plantedMu sync.Mutex
	// allPlanted are the secrets that nobody must find anywhere, by what they are.
	allPlanted = map[string]string{}
)

// planted returns a secret that the last test looks for.
func planted(what string) string {
	plantedMu.Lock()
	defer plantedMu.Unlock()
	hash := sha256.Sum256([]byte(what))
	allPlanted[what] = "hush" + hex.EncodeToString(hash[:8])
	return allPlanted[what]
}
