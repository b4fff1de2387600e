package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/godwit-io/godwit/hack/localcluster"
)

// program is one that can be had.
type program struct {
	// pkg is the package of Debian.
	pkg string
	// path is where the package has it, below its root.
	path string
	// least is the oldest version that will do, as `--version` or whatever version says tells it; nil is any.
	least []int
	// version has it tell its version.
	version []string
}

// known are all programs that can be had.
var known = map[string]program{
	// 3.2.7 is Debian 12's; tests have run with it and with 3.5.0.
	"rsync":    {pkg: "rsync", path: "usr/bin/rsync", least: []int{3, 2, 7}, version: []string{"--version"}},
	"stunnel4": {pkg: "stunnel4", path: "usr/bin/stunnel4", least: []int{5, 56}, version: []string{"-version"}},
	"setfacl":  {pkg: "acl", path: "usr/bin/setfacl"},
	"getfacl":  {pkg: "acl", path: "usr/bin/getfacl"},
}

// Names lists the programs that can be had, sorted.
func Names() []string { return slices.Sorted(maps.Keys(known)) }

// Find returns the path of a program. The first time, it may take it from Debian's archive by apt-get, which must be there. It may
// run in several processes at once. progress gets a few lines while it downloads; nil discards them.
func Find(ctx context.Context, name string, progress io.Writer) (string, error) {
	wanted, found := known[name]
	if !found {
		return "", fmt.Errorf("the program %q is none of %s", name, strings.Join(Names(), ", "))
	}
	if path, err := exec.LookPath(name); err == nil && wanted.accepts(ctx, path) == nil {
		return path, nil
	}
	cache, err := localcluster.CacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "debian", name+"-"+runtime.GOARCH)
	path := filepath.Join(folder, name)
	if wanted.accepts(ctx, path) == nil {
		return path, nil
	}
	if progress == nil {
		progress = io.Discard
	}
	_, _ = fmt.Fprintf(progress, "unpacking Debian's package %s into %s\n", wanted.pkg, folder)
	if err := unpack(ctx, name, wanted, folder); err != nil {
		return "", fmt.Errorf("getting %s from Debian's package %s (or install it): %w", name, wanted.pkg, err)
	}
	return path, wanted.accepts(ctx, path)
}

var number = regexp.MustCompile(`\d+(\.\d+)+`)

// accepts runs a program to see whether it runs and is recent enough.
func (p program) accepts(ctx context.Context, path string) error {
	if len(p.least) == 0 {
		_, err := os.Stat(path)
		return err
	}
	told, err := exec.CommandContext(ctx, path, p.version...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s does not run: %w: %s", path, err, told)
	}
	version, err := parse(number.FindString(string(told)))
	if err != nil || slices.Compare(version, p.least) < 0 {
		return errors.Join(err, fmt.Errorf("%s is version %v, and at least %v is needed", path, version, p.least))
	}
	return nil
}

func parse(version string) (parts []int, err error) {
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("%q is no version", version)
		}
		parts = append(parts, n)
	}
	return parts, nil
}
