package mover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errVolume is in the chain of errors that say that there is no volume where one should be.
var errVolume = errors.New("no volume")

// lostAndFound belongs to a file system and not to what is in it. Only the one at its root is that.
const lostAndFound = "lost+found"

// openVolume returns the folder at the root of a volume, absolute and without symbolic links.
func openVolume(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", errVolume, err)
	}
	info, err := os.Stat(absolute)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errVolume, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%w: %s is no folder", errVolume, path)
	}
	return absolute, nil
}
