package report

import (
	"encoding/json"
	"os"
)

// maxTermination is what Kubernetes keeps of a termination message, in bytes.
const maxTermination = 4096

// WriteTermination writes the report as the termination message of the container: as many examples as fit.
func WriteTermination(file string, r Report) error {
	return os.WriteFile(file, fit(r, maxTermination), 0o600)
}

// fit encodes the report in at most n bytes.
func fit(r Report, n int) []byte {
	for {
		encoded, err := json.Marshal(&r)
		if err == nil && len(encoded) <= n {
			return encoded
		}
		if len(r.Examples) == 0 && len(r.Message) < 16 {
			return encoded
		}
		if len(r.Examples) == 0 {
			r.Message = cut(r.Message, len(r.Message)/2)
			continue
		}
		r.Examples = r.Examples[:len(r.Examples)-1]
	}
}
