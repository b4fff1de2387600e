package v1alpha1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// storkObjects are objects as Stork's own client writes them, with nulls for whatever is not set.
func storkObjects() []*unstructured.Unstructured { return readObjects("testdata/stork/*.json") }

// violations are objects that Stork's CRDs accept and ours do not.
func violations() []*unstructured.Unstructured { return readObjects("testdata/violations/*.yaml") }

// readObjects reads what is in the files, in their order. It panics on a broken one: it also runs while ginkgo builds the
// tree of tests, where nothing can fail.
func readObjects(pattern string) []*unstructured.Unstructured {
	var objects []*unstructured.Unstructured
	for _, file := range must(filepath.Glob(pattern)) {
		reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(must(os.ReadFile(file)))))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			obj := &unstructured.Unstructured{}
			if err := obj.UnmarshalJSON(must(yaml.YAMLToJSON(document))); err != nil {
				panic(file + ": " + err.Error())
			}
			objects = append(objects, obj)
		}
	}
	if len(objects) == 0 {
		panic("no objects in " + pattern)
	}
	return objects
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
