package apply

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
)

// contentHash returns the decimal FNV-64a hash of an object and of who owns it, in JSON with ordered keys. Two objects that the
// API server would show alike have the same hash, whatever the order of their keys and whether a whole number came as an
// integer. The hash tells content apart; it protects nothing.
func contentHash(object map[string]any, owners []owner) (string, error) {
	hash := fnv.New64a()
	encoder := json.NewEncoder(hash)
	if err := encoder.Encode(object); err != nil {
		return "", fmt.Errorf("the object is no valid JSON: %w", err)
	}
	for _, owner := range owners {
		// Without this an owner that is gone from the plan would stay at the destination.
		if err := encoder.Encode(owner.reference); err != nil {
			return "", fmt.Errorf("its owner reference is no valid JSON: %w", err)
		}
	}
	return strconv.FormatUint(hash.Sum64(), 10), nil
}
