package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program returns a program of this machine, such as rsync, with the shared libraries that it needs, for an image where all of them
// have the same paths as here. It is looked for in PATH unless its name has a slash.
func Program(ctx context.Context, name string) ([]File, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	files := []File{{Path: program, Source: program}}
	ldd := exec.CommandContext(ctx, "ldd", program)
	ldd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	output, err := ldd.CombinedOutput()
	if strings.Contains(string(output), "not a dynamic executable") {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding the libraries of %s: %w\n%s", program, err, output)
	}
	libraries, err := parseLibraries(string(output))
	if err != nil {
		return nil, fmt.Errorf("finding the libraries of %s: %w", program, err)
	}
	for _, library := range libraries {
		files = append(files, File{Path: library, Source: library})
	}
	return files, nil
}

// parseLibraries reads what ldd prints: "name => path (address)", "path (address)" of the loader, or the name of what the kernel
// brings, without a path.
func parseLibraries(output string) ([]string, error) {
	var libraries []string
	for line := range strings.Lines(output) {
		name, found, mapped := strings.Cut(strings.TrimSpace(line), " => ")
		if !mapped {
			found = name
		}
		if strings.HasPrefix(found, "not found") {
			return nil, fmt.Errorf("library %s is not installed", name)
		}
		if library, _, _ := strings.Cut(found, " ("); strings.HasPrefix(library, "/") {
			libraries = append(libraries, library)
		}
	}
	return libraries, nil
}

// Build builds the program of a Go package, such as ./cmd/godwit, so that it needs no library. The package is looked for from the
// working directory.
func Build(ctx context.Context, pkg, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, output)
	}
	return nil
}
