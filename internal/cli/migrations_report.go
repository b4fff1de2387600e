package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// maxReportBytes bounds what one ConfigMap may unpack to. An honest one of 1 MiB holds far less.
const maxReportBytes = 64 << 20

// printReport prints what became of each object of the one Migration that is named.
func (g *globals) printReport(ctx context.Context, names []string) error {
	if len(names) != 1 || g.allNamespaces {
		return errors.New("exactly one name and one namespace need to be provided with --report")
	}
	c, err := g.client()
	if err != nil {
		return err
	}
	m := &storkv1alpha1.Migration{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: g.namespace, Name: names[0]}, m); err != nil {
		return err
	}
	results, err := readReport(ctx, c, m)
	if err != nil {
		return err
	}
	if g.output != outputTable {
		return g.printReportDocument(results)
	}
	if len(results) == 0 {
		g.println("No resources found.")
	} else if err := printReportTable(g.Out, results); err != nil {
		return err
	}
	g.printRemarks(m)
	return nil
}

// printRemarks prints what the table does not tell: what was left out, volumes that were not moved, and why a Migration failed.
func (g *globals) printRemarks(m *storkv1alpha1.Migration) {
	var remarks []string
	for _, volume := range m.Status.Volumes {
		if volume != nil && volume.Status == storkv1alpha1.MigrationStatusFailed {
			remarks = append(remarks, fmt.Sprintf("Volume of PersistentVolumeClaim %s/%s: %s", volume.Namespace, volume.PersistentVolumeClaim, volume.Reason))
		}
	}
	remarks = append(remarks, m.Status.Notices...)
	if condition := apimeta.FindStatusCondition(m.Status.Conditions, storkv1alpha1.ConditionSucceeded); condition != nil {
		remarks = append(remarks, condition.Message)
	}
	if len(remarks) > 0 {
		g.println("\n" + strings.Join(remarks, "\n"))
	}
}

func printReportTable(out io.Writer, results []storkv1alpha1.MigrationResourceInfo) error {
	rows := make([][]any, 0, len(results))
	for _, r := range results {
		rows = append(rows, []any{r.Kind, r.Namespace, r.Name, string(r.Status), r.Action, changedBy(&r), r.Reason})
	}
	return newTable(out, "KIND", "NAMESPACE", "NAME", "STATUS", "ACTION", "CHANGED-BY", "REASON").print(rows)
}

// changedBy names the transformers, and the ResourceTransformation, that changed an object on its way.
func changedBy(r *storkv1alpha1.MigrationResourceInfo) string {
	names := strings.Join(r.Changes, ",")
	switch {
	case r.TransformedBy == "":
		return names
	case names == "":
		return r.TransformedBy
	default:
		return names + " (" + r.TransformedBy + ")"
	}
}

func (g *globals) printReportDocument(results []storkv1alpha1.MigrationResourceInfo) error {
	if results == nil {
		results = []storkv1alpha1.MigrationResourceInfo{}
	}
	content, err := json.MarshalIndent(results, "", "    ")
	if err == nil && g.output == outputYAML {
		content, err = yaml.JSONToYAML(content)
	}
	if err != nil {
		return err
	}
	g.println(strings.TrimSuffix(string(content), "\n"))
	return nil
}

// readReport returns the results of all objects: from the ConfigMaps that the status names, or from the status itself.
func readReport(ctx context.Context, c client.Reader, m *storkv1alpha1.Migration) ([]storkv1alpha1.MigrationResourceInfo, error) {
	if m.Status.Report == nil || len(m.Status.Report.ConfigMaps) == 0 {
		return present(m.Status.Resources), nil
	}
	var all []storkv1alpha1.MigrationResourceInfo
	for _, name := range m.Status.Report.ConfigMaps {
		part := &corev1.ConfigMap{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: m.Namespace, Name: name}, part); err != nil {
			return nil, fmt.Errorf("reading the report of migration %s: %w; failures are in its status too, which -o yaml shows", m.Name, err)
		}
		results, err := decodeReport(part.BinaryData[storkv1alpha1.ReportKey])
		if err != nil {
			return nil, fmt.Errorf("reading the report of migration %s in ConfigMap %s, key %s: %w", m.Name, name, storkv1alpha1.ReportKey, err)
		}
		all = append(all, results...)
	}
	return all, nil
}

// decodeReport unpacks a part of a report: a list of results as JSON, compressed by gzip.
func decodeReport(packed []byte) ([]storkv1alpha1.MigrationResourceInfo, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(reader, maxReportBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxReportBytes:
		return nil, fmt.Errorf("it unpacks to more than %d bytes", maxReportBytes)
	}
	var results []*storkv1alpha1.MigrationResourceInfo
	if err := json.Unmarshal(content, &results); err != nil {
		return nil, err
	}
	return present(results), nil
}

// present leaves out nulls, which the API does not rule out.
func present(results []*storkv1alpha1.MigrationResourceInfo) []storkv1alpha1.MigrationResourceInfo {
	var all []storkv1alpha1.MigrationResourceInfo
	for _, r := range results {
		if r != nil {
			all = append(all, *r)
		}
	}
	return all
}
