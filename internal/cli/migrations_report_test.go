package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// packReport compresses a text as the operator does.
func packReport(tb interface{ Fatal(...any) }, content string) []byte {
	packed := &bytes.Buffer{}
	writer := gzip.NewWriter(packed)
	if _, err := writer.Write([]byte(content)); err != nil {
		tb.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		tb.Fatal(err)
	}
	return packed.Bytes()
}

var _ = Describe("get migrations --report", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"get", "migrations", "-n", namespace, "--report"}, args...)...)
	}
	part := func(ctx context.Context, name string, packed []byte) {
		GinkgoHelper()
		configMap := &corev1.ConfigMap{BinaryData: map[string][]byte{"report.json.gz": packed}}
		configMap.Name, configMap.Namespace = name, namespace
		Expect(hereClient.Create(ctx, configMap)).To(Succeed())
	}
	results := []*storkv1alpha1.MigrationResourceInfo{
		{Kind: "Deployment", Namespace: "ns1", Name: "web", Status: "Failed", Reason: "the quota is used up", Changes: []string{"Replicas", "ResourceTransformation"}, TransformedBy: "rt"},
		{Kind: "ClusterRole", Name: "reader", Status: "Successful", Action: "Unchanged", Reason: "as it should be"},
	}
	table := lines(
		"KIND          NAMESPACE   NAME     STATUS       ACTION      CHANGED-BY                             REASON",
		"Deployment    ns1         web      Failed                   Replicas,ResourceTransformation (rt)   the quota is used up",
		"ClusterRole               reader   Successful   Unchanged                                          as it should be")

	It("prints what the status lists", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		m.Status.Resources = results
		create(ctx, hereClient, m)
		Expect(run(ctx, "m1")).To(Equal(succeeds(table)))
	})

	It("prints what is in all of the report's ConfigMaps, in their order", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		m.Status.Resources = results[:1]
		m.Status.Report = &storkv1alpha1.MigrationReport{ConfigMaps: []string{"part-b", "part-a"}, Total: 2}
		create(ctx, hereClient, m)
		for name, r := range map[string]*storkv1alpha1.MigrationResourceInfo{"part-b": results[0], "part-a": results[1]} {
			content, err := json.Marshal([]any{r})
			Expect(err).NotTo(HaveOccurred())
			part(ctx, name, packReport(GinkgoT(), string(content)))
		}
		Expect(run(ctx, "m1")).To(Equal(succeeds(table)))

		document := run(ctx, "m1", "-o", "json")
		Expect(document.code).To(BeZero())
		var got []*storkv1alpha1.MigrationResourceInfo
		Expect(json.Unmarshal([]byte(document.out), &got)).To(Succeed())
		Expect(got).To(Equal(results))
		Expect(run(ctx, "m1", "-o", "yaml").out).To(HavePrefix("- changes:\n  - Replicas\n"))
	})

	It("says when nothing was migrated, and which part is missing or damaged", func(ctx SpecContext) {
		m := newMigration(namespace, "m1")
		create(ctx, hereClient, m)
		Expect(run(ctx, "m1")).To(Equal(succeeds("No resources found.\n")))
		Expect(run(ctx, "m1", "-o", "json")).To(Equal(succeeds("[]\n")))
		m.Status.Report = &storkv1alpha1.MigrationReport{ConfigMaps: []string{"part"}}
		Expect(hereClient.Status().Update(ctx, m)).To(Succeed())
		Expect(run(ctx, "m1")).To(Equal(fails(`error: reading the report of migration m1: configmaps "part" not found; failures are in its status too, which -o yaml shows`)))
		part(ctx, "part", []byte("no gzip"))
		Expect(run(ctx, "m1")).To(Equal(fails("error: reading the report of migration m1 in ConfigMap part, key report.json.gz: unexpected EOF")))
	})

	It("wants exactly one Migration", func(ctx SpecContext) {
		want := fails("error: exactly one name and one namespace need to be provided with --report")
		Expect(run(ctx)).To(Equal(want))
		Expect(run(ctx, "m1", "m2")).To(Equal(want))
		Expect(run(ctx, "m1", "-A")).To(Equal(want))
		Expect(run(ctx, "m9")).To(Equal(fails(`Error from server (NotFound): migrations.stork.libopenstorage.org "m9" not found`)))
	})
})

func TestDecodeReport(t *testing.T) {
	t.Run("leaves out nulls", func(t *testing.T) {
		got, err := decodeReport(packReport(t, `[null,{"name":"a"}]`))
		if err != nil || len(got) != 1 || got[0].Name != "a" {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("refuses what unpacks to too much", func(t *testing.T) {
		_, err := decodeReport(packReport(t, strings.Repeat(" ", maxReportBytes+1)+"[]"))
		if err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzDecodeReport(f *testing.F) {
	for _, content := range []string{`[]`, `[{"name":"a","changes":["x"]}]`, `{}`, `[1]`, `[null]`, ``} {
		f.Add(packReport(f, content), content)
	}
	f.Fuzz(func(t *testing.T, packed []byte, content string) {
		_, _ = decodeReport(packed)
		results, err := decodeReport(packReport(t, content))
		if err != nil {
			return
		}
		// What was read is read again from what it is written as, and can be printed.
		written, err := json.Marshal(results)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeReport(packReport(t, string(written)))
		if diff := cmp.Diff(results, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-want,+got):\n%s", err, diff)
		}
		if err := printReportTable(&buffer{}, results); err != nil {
			t.Error(err)
		}
	})
}
