// Package image makes container images of files of this machine, for clusters on this machine: without a container engine, a registry
// or a Dockerfile.
//
// It must know nothing of clusters, nor of what the images are for.
package image

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Image is what a container starts from.
type Image struct {
	// Name has a tag and a registry that nobody asks, such as localhost/godwit:e2e.
	Name string
	// Files are all there is, beside the folders they are in, the user database of root and nobody, and an empty /tmp for everyone.
	Files []File
	// Entrypoint is the command, to which a container's args are added.
	Entrypoint []string
	// User is "uid:gid" in numbers. Empty means root.
	User string
	// Env has variables as NAME=value.
	Env []string
}

// File is a file in an image. It belongs to root.
type File struct {
	// Path in the image, from /.
	Path string
	// Source is the path of a file on this machine, whose content and permissions it gets. Empty means that there is Content.
	Source string
	// Content and Mode count where there is no Source. Mode 0 means that everyone may read it.
	Content []byte
	Mode    fs.FileMode
}

// epoch is the time of everything in an image, so that the same files make the same image.
var epoch = time.Unix(0, 0)

const passwd = "root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"

// Write writes the image in the form of docker save, which containerd imports.
func (i *Image) Write(w io.Writer) (err error) {
	layer, err := os.CreateTemp("", "image-layer-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, layer.Close(), os.Remove(layer.Name())) }()
	digest := sha256.New()
	if err := i.writeLayer(io.MultiWriter(layer, digest)); err != nil {
		return fmt.Errorf("making image %s: %w", i.Name, err)
	}
	size, err := layer.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := layer.Seek(0, io.SeekStart); err != nil {
		return err
	}
	config, err := i.config(fmt.Sprintf("sha256:%x", digest.Sum(nil)))
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{i.Name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	return errors.Join(
		add(archive, "config.json", 0o644, int64(len(config)), strings.NewReader(string(config))),
		add(archive, "layer.tar", 0o644, size, layer),
		add(archive, "manifest.json", 0o644, int64(len(manifest)), strings.NewReader(string(manifest))),
		archive.Close())
}

func (i *Image) config(diffID string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": epoch.UTC(),
		"config": map[string]any{"Entrypoint": i.Entrypoint, "User": i.User, "WorkingDir": "/", "Env": append([]string{"PATH=/usr/bin:/bin:/"}, i.Env...)},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{diffID}},
	})
}

func (i *Image) writeLayer(w io.Writer) error {
	layer := tar.NewWriter(w)
	files := append([]File{{Path: "/etc/passwd", Content: []byte(passwd)}}, i.Files...)
	folders := map[string]bool{"tmp": true}
	for _, f := range files {
		for folder := path.Dir(f.name()); folder != "."; folder = path.Dir(folder) {
			folders[folder] = true
		}
	}
	sorted := make([]string, 0, len(folders))
	for folder := range folders {
		sorted = append(sorted, folder)
	}
	slices.Sort(sorted) // So that a folder comes before what it holds.
	for _, folder := range sorted {
		header := &tar.Header{Name: folder + "/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: epoch}
		if folder == "tmp" {
			header.Mode = 0o1777
		}
		if err := layer.WriteHeader(header); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := f.write(layer); err != nil {
			return err
		}
	}
	return layer.Close()
}

func (f *File) name() string { return strings.TrimPrefix(path.Clean(f.Path), "/") }

func (f *File) write(layer *tar.Writer) error {
	if f.Source == "" {
		return add(layer, f.name(), cmp.Or(f.Mode, 0o644), int64(len(f.Content)), strings.NewReader(string(f.Content)))
	}
	source, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // It was only read.
	info, err := source.Stat()
	if err != nil {
		return err
	}
	return add(layer, f.name(), info.Mode(), info.Size(), source)
}

func add(archive *tar.Writer, name string, mode fs.FileMode, size int64, content io.Reader) error {
	header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: int64(mode.Perm()), Size: size, ModTime: epoch}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(archive, content)
	return err
}
