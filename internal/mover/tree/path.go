package tree

import (
	"path"
	"strings"
)

// Join adds a name to the path of a folder. The root has the path ".".
func Join(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}

// split returns the names in a path.
func split(p string) []string { return strings.Split(path.Clean(p), "/") }
