package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-io/godwit/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// entry is a file of an archive.
type entry struct {
	header  *tar.Header
	content []byte
}

func unpack(t *testing.T, archive []byte) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = entry{header, content}
	}
}

func write(t *testing.T, i *Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := i.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImageHoldsFilesAndHowToStart(t *testing.T) {
	source := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, []byte("binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	i := &Image{
		Name:       "localhost/app:1",
		Files:      []File{{Path: "/usr/bin/program", Source: source}, {Path: "/etc/app.conf", Content: []byte("a=b")}},
		Entrypoint: []string{"/usr/bin/program"},
		User:       "65532:65532",
		Env:        []string{"HOME=/tmp"},
	}
	archive := write(t, i)
	outer := unpack(t, archive)

	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(outer["manifest.json"].content, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest) != 1 || !slices.Equal(manifest[0].RepoTags, []string{i.Name}) {
		t.Fatalf("got manifest %+v", manifest)
	}
	var config struct {
		Config struct {
			Entrypoint, Env []string
			User            string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(outer[manifest[0].Config].content, &config); err != nil {
		t.Fatal(err)
	}
	layer := outer[manifest[0].Layers[0]].content
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(layer)); !slices.Equal(config.RootFS.DiffIDs, []string{want}) {
		t.Errorf("the layer is %s, the image says %v", want, config.RootFS.DiffIDs)
	}
	if c := config.Config; c.User != i.User || !slices.Equal(c.Entrypoint, i.Entrypoint) || !slices.Contains(c.Env, "HOME=/tmp") {
		t.Errorf("got config %+v", c)
	}

	inner := unpack(t, layer)
	for name, want := range map[string]struct {
		mode    int64
		content string
	}{
		"usr/bin/program": {0o755, "binary"},
		"etc/app.conf":    {0o644, "a=b"},
		"usr/bin/":        {0o755, ""},
		"tmp/":            {0o1777, ""},
	} {
		got, ok := inner[name]
		if !ok || got.header.Mode != want.mode || string(got.content) != want.content || got.header.Uid != 0 {
			t.Errorf("%s: got %+v, %q", name, got.header, got.content)
		}
	}
	if !bytes.Equal(archive, write(t, i)) {
		t.Error("the same files make another image")
	}
}

func TestWriteNamesAFileThatIsNotThere(t *testing.T) {
	i := &Image{Name: "localhost/app:1", Files: []File{{Path: "/x", Source: "/no/such/file"}}}
	if err := i.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "/no/such/file") || !strings.Contains(err.Error(), i.Name) {
		t.Errorf("got %v", err)
	}
}

func TestProgramComesWithItsLibraries(t *testing.T) {
	files, err := Program(t.Context(), "tar")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(files[0].Path, "/tar") {
		t.Errorf("the first file is %s", files[0].Path)
	}
	if !slices.ContainsFunc(files, func(f File) bool { return strings.Contains(f.Path, "libc.so") }) {
		t.Errorf("no C library in %v", files)
	}
}

func TestParseLibraries(t *testing.T) {
	const output = `	linux-vdso.so.1 (0x00007ffc)
	libacl.so.1 => /lib/x86_64-linux-gnu/libacl.so.1 (0x00007f01)
	/lib64/ld-linux-x86-64.so.2 (0x00007f02)
`
	got, err := parseLibraries(output)
	if want := []string{"/lib/x86_64-linux-gnu/libacl.so.1", "/lib64/ld-linux-x86-64.so.2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := parseLibraries("	statically linked\n"); err != nil || got != nil {
		t.Errorf("of a static program: got %v, %v", got, err)
	}
	if _, err := parseLibraries("	libx.so.1 => not found\n"); err == nil || !strings.Contains(err.Error(), "libx.so.1") {
		t.Errorf("got %v", err)
	}
}
