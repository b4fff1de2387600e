package localcluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// auditPolicy writes requests down once, when they are answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
  - %s
  - {level: None}
`

// AuditArgs returns arguments for an API server that has it write down, in a folder, the requests that a rule is for, and no others.
// The rule is one of an audit policy, such as {level: Metadata, users: [kubernetes-admin]}.
func AuditArgs(folder, rule string) ([]string, error) {
	policy := filepath.Join(folder, "audit-policy.yaml")
	// An answer comes after its event was written.
	args := []string{"--audit-policy-file=" + policy, "--audit-log-path=" + auditLog(folder), "--audit-log-mode=blocking-strict"}
	return args, os.WriteFile(policy, fmt.Appendf(nil, auditPolicy, rule), 0o600)
}

// AuditEvents returns what an API server wrote down so far, in a folder that was given to AuditArgs: events of the API group
// audit.k8s.io, of which T has the fields that matter. Those without the text about are left out; empty leaves none out.
func AuditEvents[T any](folder, about string) ([]T, error) {
	content, err := os.ReadFile(auditLog(folder))
	if err != nil {
		return nil, err
	}
	var events []T
	for line := range strings.Lines(string(content)) {
		if !strings.HasSuffix(line, "\n") {
			break // It is being written.
		}
		if !strings.Contains(line, about) {
			continue
		}
		var event T
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return nil, fmt.Errorf("reading an audit event: %w", err)
		}
		events = append(events, event)
	}
	return events, nil
}

func auditLog(folder string) string { return filepath.Join(folder, "audit.log") }
