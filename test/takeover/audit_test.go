package takeover_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/godwit-io/godwit/hack/localcluster"
)

// writes returns, by resource, namespace and name, the verbs of the writes to the destination so far, in their order.
func writes() map[string][]string {
	GinkgoHelper()
	type auditEvent struct {
		Verb      string
		ObjectRef *struct{ Resource, Namespace, Name string }
	}
	events, err := localcluster.AuditEvents[auditEvent](workspace, "")
	Expect(err).NotTo(HaveOccurred())
	found := map[string][]string{}
	for _, event := range events {
		if ref := event.ObjectRef; ref != nil && !strings.HasSuffix(ref.Resource, "reviews") {
			key := ref.Resource + " " + ref.Namespace + "/" + ref.Name
			found[key] = append(found[key], event.Verb)
		}
	}
	return found
}
