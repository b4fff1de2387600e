package badinput_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/hack/localcluster"
)

const readme = "README.md"

const introduction = `# What Godwit says to bad input

Each line is a mistake, where it is refused, and what the user sees. All of them are tried against a real API server with the operator
running, and the messages are what it said then; ` + "`go test ./test/badinput -update`" + ` writes this file.

A mistake is refused as early as it can be told:

- **schema**: the API server refuses the object by its CustomResourceDefinition, also while the operator does not run. ` + "`kubectl apply`" + `
  prints the message; with ` + "`--dry-run=server`" + ` nothing is changed.
- **webhook**: the operator's admission webhook refuses it, because it takes code to tell. ` + "`kubectl apply`" + ` prints the message, too.
- **status**: the object is there, but it does not work, because of something outside it: another object, or the other cluster. The
  message is in the condition named: ` + "`kubectl get <kind> <name> -o wide`" + ` shows it in the column REASON, and ` + "`kubectl describe`" + ` with
  the others. ` + "`Unknown`" + ` means that it waits for what can still appear; ` + "`False`" + ` that you have to act.
`

// refusal is where and how an object is refused.
type refusal struct {
	// by is schema, webhook or the reason of a condition.
	by string
	// condition is empty unless by is a reason.
	condition string
	message   string
}

// tableRow is a line of the table.
type tableRow struct {
	kind, wrong string
	refusal
}

func (r tableRow) line() string {
	where := r.by
	if r.condition != "" {
		where = fmt.Sprintf("status: %s, reason %s", r.condition, r.by)
	}
	message := strings.NewReplacer("\n", "<br>", "|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`).Replace(r.message)
	return fmt.Sprintf("| %s | %s | %s |", r.wrong, where, message)
}

// observed are the rows that the cases made so far.
type observed map[string]tableRow

var seen = observed{}

func (o observed) add(kind string, mistake *badCase, refused refusal) tableRow {
	row := tableRow{kind: kind, wrong: mistake.Refuses, refusal: refused}
	o[kind+": "+mistake.Refuses] = row
	return row
}

// table is the text of README.md. It is complete when all cases were run.
func (o observed) table() (text string, complete bool) {
	complete = true
	var table strings.Builder
	table.WriteString(introduction)
	for _, file := range caseFiles() {
		fmt.Fprintf(&table, "\n## %s\n\n| What is wrong | Refused by | What the user sees |\n|---|---|---|\n", file.Kind)
		for _, mistake := range file.Cases {
			row, found := o[file.Kind+": "+mistake.Refuses]
			complete = complete && found
			table.WriteString(row.line() + "\n")
		}
	}
	return table.String(), complete
}

func golden() string {
	content, err := os.ReadFile(readme)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

func goldenRows() []string { return strings.Split(golden(), "\n") }

// placeholders are what stands in manifests and in the table for what is another one in each run.
var placeholders = map[string]string{}

// findPlaceholders fills in placeholders once both clusters run.
func findPlaceholders(ctx context.Context) {
	GinkgoHelper()
	for name, cluster := range map[string]*localcluster.Cluster{"SOURCE": source, "DESTINATION": destination} {
		config := cluster.Config()
		server, err := url.Parse(config.Host)
		Expect(err).NotTo(HaveOccurred())
		placeholders[strings.ToLower(name)+".example.com:6443"] = server.Host
		placeholders[name+"-AUTHORITY"] = base64.StdEncoding.EncodeToString(config.CAData)
		placeholders[name+"-CERTIFICATE"] = base64.StdEncoding.EncodeToString(config.CertData)
		placeholders[name+"-KEY"] = base64.StdEncoding.EncodeToString(config.KeyData)
	}
	nobody := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "nobody"}}
	Expect(there.Create(ctx, nobody)).To(Succeed())
	request := &authenticationv1.TokenRequest{}
	Expect(there.SubResource("token").Create(ctx, nobody, request)).To(Succeed())
	placeholders["TOKEN-WITHOUT-RIGHTS"] = request.Status.Token
}

// fillIn puts values in the place of placeholders.
func fillIn(manifest string) string {
	for placeholder, value := range placeholders {
		manifest = strings.ReplaceAll(manifest, placeholder, value)
	}
	return manifest
}

// mask puts placeholders in the place of values.
func mask(message string) string {
	for placeholder, value := range placeholders {
		message = strings.ReplaceAll(message, value, placeholder)
	}
	return message
}
