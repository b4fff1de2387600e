package takeover_test

import (
	"encoding/json"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// auditPolicy has the destination write down what the pair's user writes.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
  - {level: Metadata, users: ["` + pairUser + `"], verbs: [create, update, patch, delete, deletecollection]}
  - {level: None}
`

func auditArgs() []string {
	policy := inWorkspace("audit-policy.yaml")
	Expect(os.WriteFile(policy, []byte(auditPolicy), 0o600)).To(Succeed())
	return []string{"--audit-policy-file=" + policy, "--audit-log-path=" + inWorkspace("audit.log"), "--audit-log-mode=blocking-strict"}
}

// writes returns, by resource, namespace and name, the verbs of the writes to the destination so far, in their order.
func writes() map[string][]string {
	GinkgoHelper()
	content, err := os.ReadFile(inWorkspace("audit.log"))
	Expect(err).NotTo(HaveOccurred())
	found := map[string][]string{}
	for line := range strings.Lines(string(content)) {
		var event struct {
			Verb      string
			ObjectRef *struct{ Resource, Namespace, Name string }
		}
		Expect(json.Unmarshal([]byte(line), &event)).To(Succeed())
		if ref := event.ObjectRef; ref != nil && !strings.HasSuffix(ref.Resource, "reviews") {
			key := ref.Resource + " " + ref.Namespace + "/" + ref.Name
			found[key] = append(found[key], event.Verb)
		}
	}
	return found
}
