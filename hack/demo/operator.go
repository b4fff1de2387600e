package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// operatorModule is the Go module of a real operator, pinned in operator/go.mod.
const operatorModule = "github.com/prometheus-operator/prometheus-operator"

// operatorCRDs returns the folder of the operator's CustomResourceDefinitions, from its Go module.
func operatorCRDs(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", operatorModule)
	command.Dir = "hack/demo/operator"
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("fetching the module %s: %w", operatorModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(output, &module); err != nil {
		return "", err
	}
	return filepath.Join(module.Dir, "example", "prometheus-operator-crd"), nil
}
