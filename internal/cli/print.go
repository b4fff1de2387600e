package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/liggitt/tabwriter"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// table prints rows of cells below a header, which it prints once.
type table struct {
	columns []metav1.TableColumnDefinition
	printer printers.ResourcePrinter
	out     *tabwriter.Writer
}

func newTable(out io.Writer, columns ...string) *table {
	t := &table{printer: printers.NewTablePrinter(printers.PrintOptions{}), out: printers.GetNewTabWriter(out)}
	for _, column := range columns {
		t.columns = append(t.columns, metav1.TableColumnDefinition{Name: column, Type: "string"})
	}
	return t
}

func (t *table) print(rows [][]any) error {
	content := &metav1.Table{ColumnDefinitions: t.columns}
	for _, cells := range rows {
		for i := range cells {
			if text, ok := cells[i].(string); ok {
				cells[i] = printable(text)
			}
		}
		content.Rows = append(content.Rows, metav1.TableRow{Cells: cells})
	}
	if err := t.printer.PrintObj(content, t.out); err != nil {
		return err
	}
	return t.out.Flush()
}

// printable takes out what steers a terminal: texts of a status are whatever somebody wrote there.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// timeCell is a time as tables show it; the zero time is blank.
func (g *globals) timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(g.Location).Format(time.RFC822)
}

// document returns the printer for --output json or yaml.
func (g *globals) document() printers.ResourcePrinter {
	if g.output == outputJSON {
		return &printers.JSONPrinter{}
	}
	return &printers.YAMLPrinter{}
}

// complete gives an object that was read its kind, which clients leave out, and takes away what kubectl does not show either.
func complete(c client.Client, object client.Object) error {
	kind, err := apiutil.GVKForObject(object, c.Scheme())
	if err != nil {
		return fmt.Errorf("printing %s: %w", object.GetName(), err)
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	object.SetManagedFields(nil)
	return nil
}

// listOf returns objects as one List.
func listOf(objects []client.Object) *metav1.List {
	list := &metav1.List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}}
	for _, object := range objects {
		list.Items = append(list.Items, runtime.RawExtension{Object: object})
	}
	return list
}
