package chart_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the table of values into the chart's README")

// The table stands between these lines of the README.
const (
	tableBegin = "<!-- made from values.yaml: go test ./test/chart -run TestReadme -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

func TestReadmeTellsOfAllValues(t *testing.T) {
	const file = chart + "/README.md"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	if !found || !ends {
		t.Fatalf("%s lacks the lines around the table", file)
	}
	wanted := before + tableBegin + valuesTable(t) + tableEnd + after
	if wanted == string(content) {
		return
	}
	if !*update {
		t.Fatalf("%s is not as values.yaml says: run this test with -update", file)
	}
	if err := os.WriteFile(file, []byte(wanted), 0o600); err != nil {
		t.Fatal(err)
	}
}

// valuesTable makes a table of the values and their comments.
func valuesTable(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	return "| Value | Default | Meaning |\n|---|---|---|\n" + rows(t, "", document.Content[0])
}

func rows(t *testing.T, prefix string, tree *yaml.Node) string {
	t.Helper()
	var table strings.Builder
	for i := 0; i < len(tree.Content); i += 2 {
		key, value := tree.Content[i], tree.Content[i+1]
		path := prefix + key.Value
		if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 {
			table.WriteString(rows(t, path+".", value))
			continue
		}
		if key.HeadComment == "" {
			t.Errorf("values.yaml says nothing about %s", path)
		}
		meaning := strings.ReplaceAll(strings.TrimPrefix(key.HeadComment, "# "), "\n# ", " ")
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", path, defaultOf(t, value), meaning)
	}
	return table.String()
}

func defaultOf(t *testing.T, value *yaml.Node) []byte {
	t.Helper()
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(decoded)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
