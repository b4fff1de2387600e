package cli

import (
	"errors"
	"fmt"
	"strings"
)

// parseKeyValues reads "key=value,key=value"; an empty text has no pairs. Keys are neither empty nor repeated.
func parseKeyValues(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	pairs := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(item, "=")
		if !ok || key == "" {
			// The item is not quoted: it may be part of a credential.
			return nil, errors.New("each item must have the form key=value, and items are separated by commas")
		}
		if _, twice := pairs[key]; twice {
			return nil, fmt.Errorf("%s is given twice", key)
		}
		pairs[key] = value
	}
	return pairs, nil
}

// reversed returns the mappings for the way back. Two projects that become one have none.
func reversed(mappings map[string]string) (map[string]string, error) {
	back := map[string]string{}
	for from, to := range mappings {
		if other, twice := back[to]; twice {
			return nil, fmt.Errorf("projects %s and %s both become %s, so the way back is not known: use --unidirectional", min(from, other), max(from, other), to)
		}
		back[to] = from
	}
	return back, nil
}
