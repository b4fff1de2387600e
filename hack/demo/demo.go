package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// namespace of the application.
const namespace = "shop"

// The clusters' places in demo.clusters.
const (
	source = iota
	destination
)

// demo is what runs.
type demo struct {
	folder   string
	clusters []*localcluster.Cluster
	managers []*localgodwit.Manager
	volumes  []string
	steps    int
}

func (d *demo) title(text string) {
	d.steps++
	fmt.Printf("\n== %d. %s\n\n", d.steps, text)
}

func (d *demo) say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// startClusters starts both control planes with the operator.
func (d *demo) startClusters(ctx context.Context) (err error) {
	d.title("Start two control planes, and Godwit in both")
	if d.folder, err = os.MkdirTemp("", "godwit-demo-"); err != nil {
		return err
	}
	began := time.Now()
	d.clusters, err = localcluster.StartAll(ctx,
		localcluster.Options{Name: "source", Dir: filepath.Join(d.folder, "source"), ControllerManager: true, Progress: os.Stdout},
		localcluster.Options{Name: "destination", Dir: filepath.Join(d.folder, "destination"), ControllerManager: true})
	if err != nil {
		return err
	}
	for _, cluster := range d.clusters {
		if err := localgodwit.InstallCRDs(cluster.Config(), "."); err != nil {
			return err
		}
		log := filepath.Join(filepath.Dir(cluster.KubeconfigFile()), "godwit.log")
		webhooks, err := localgodwit.InstallWebhooks(ctx, cluster.Config(), ".")
		if err != nil {
			return err
		}
		manager, err := localgodwit.StartManager(ctx, "bin/godwit", cluster.Kubeconfig(), log, webhooks)
		if err != nil {
			return err
		}
		d.managers = append(d.managers, manager)
	}
	d.say("Two kube-apiservers, etcds, controller managers and Godwits are up after %s.", time.Since(began).Round(100*time.Millisecond))
	return nil
}

// createApplication creates a shop with its database and monitoring at the source.
func (d *demo) createApplication(ctx context.Context) error {
	d.title("Create an application at the source: a shop with its database, in a Rancher project, watched by Prometheus")
	crds, err := operatorCRDs(ctx)
	if err != nil {
		return err
	}
	if _, err := d.kubectl(ctx, source, nil, "apply", "--server-side", "-f", crds); err != nil {
		return err
	}
	if _, err := d.kubectl(ctx, source, nil, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		return err
	}
	entries, err := manifests.ReadDir("manifests")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		content, err := manifests.ReadFile("manifests/" + entry.Name())
		if err != nil {
			return err
		}
		output, err := d.kubectl(ctx, source, bytes.NewReader(content), "apply", "-f", "-")
		if err != nil {
			return err
		}
		fmt.Print(indent(output))
	}
	return d.waitForVolume(ctx)
}

// waitForVolume waits until the database has its volume, and remembers where it is.
func (d *demo) waitForVolume(ctx context.Context) error {
	// The StatefulSet's controller makes the claim.
	for _, condition := range []string{"create", "jsonpath={.status.phase}=Bound"} {
		if _, err := d.kubectl(ctx, source, nil, "wait", "--for="+condition, "--timeout=60s", "-n", namespace, "pvc/data-database-0"); err != nil {
			return err
		}
	}
	paths, err := d.kubectl(ctx, source, nil, "get", "pv", "-o", "jsonpath={.items[*].spec.hostPath.path}")
	d.volumes = strings.Fields(paths)
	return err
}

// pair lets the source trust the destination.
func (d *demo) pair(ctx context.Context) error {
	d.title("Pair the clusters")
	err := d.show(ctx, source, "storkctl", "create", "clusterpair", "remote", "-n", namespace, "--mode", "sync-dr", "--unidirectional",
		"--src-kube-file", d.clusters[source].KubeconfigFile(), "--dest-kube-file", d.clusters[destination].KubeconfigFile(),
		"--project-mappings", "p-source=p-dest,c-source:p-source=c-dest:p-dest")
	if err != nil {
		return err
	}
	_, err = d.kubectl(ctx, source, nil, "wait", "--for=condition=Ready", "--timeout=60s", "-n", namespace, "clusterpair/remote")
	if err != nil {
		return err
	}
	return d.show(ctx, source, "storkctl", "get", "clusterpair", "-n", namespace)
}

const migration = `apiVersion: stork.libopenstorage.org/v1alpha1
kind: Migration
metadata:
  name: %s
  namespace: shop
spec:
  clusterPair: remote
  namespaces: [shop]
  includeVolumes: false
  startApplications: false
`

// apply creates a Migration and waits for its end.
func (d *demo) apply(ctx context.Context, name string) error {
	manifest := fmt.Sprintf(migration, name)
	fmt.Printf("$ kubectl apply -f - <<EOF\n%sEOF\n", manifest)
	output, err := d.kubectl(ctx, source, strings.NewReader(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	fmt.Print(output, "\n")
	_, err = d.kubectl(ctx, source, nil, "wait", "--for=jsonpath={.status.stage}=Final", "--timeout=120s", "-n", namespace, "migration/"+name)
	if err != nil {
		return err
	}
	return d.show(ctx, source, "storkctl", "get", "migrations", name, "-n", namespace)
}

func (d *demo) migrate(ctx context.Context) error {
	d.title("Migrate the namespace")
	if err := d.apply(ctx, "first"); err != nil {
		return err
	}
	return d.show(ctx, source, "storkctl", "get", "migrations", "first", "-n", namespace, "--report")
}

// showDestination shows what arrived and how it was changed.
func (d *demo) showDestination(ctx context.Context) error {
	d.title("Look at the destination: everything is there, and nothing runs until it is activated")
	if err := d.show(ctx, destination, "kubectl", "get", "deployment,statefulset,cronjob,daemonset,pvc,prometheus", "-n", namespace); err != nil {
		return err
	}
	for _, look := range [][]string{
		{"Replicas to come back to", "deployment/web", `{.metadata.annotations.stork\.libopenstorage\.org/migrationReplicas}`},
		{"Replicas of Prometheus", "prometheus/shop", `{.metadata.annotations.stork\.libopenstorage\.org/spec\.replicas} (before, suspended)`},
		{"Rancher project of the shop", "namespace/shop", `{.metadata.labels.field\.cattle\.io/projectId}`},
		{"Rancher project in the policy", "networkpolicy/from-project",
			`{.spec.ingress[0].from[0].namespaceSelector.matchLabels.field\.cattle\.io/projectId}`},
	} {
		output, err := d.kubectl(ctx, destination, nil, "get", "-n", namespace, look[1], "-o", "jsonpath="+look[2])
		if err != nil {
			return err
		}
		fmt.Printf("%-32s%s\n", look[0]+":", output)
	}
	return nil
}

// migrateChange changes two objects at the source and shows that only these are written.
func (d *demo) migrateChange(ctx context.Context) error {
	d.title("Change two objects at the source and migrate again")
	commands := [][]string{
		{"set", "image", "deployment/web", "web=registry.example.com/shop:1.5.0", "-n", namespace},
		{"patch", "configmap", "shop", "-n", namespace, "--type=merge", "-p", `{"data":{"currency":"USD"}}`},
	}
	for _, command := range commands {
		if err := d.show(ctx, source, append([]string{"kubectl"}, command...)...); err != nil {
			return err
		}
	}
	if err := d.apply(ctx, "second"); err != nil {
		return err
	}
	summary, err := d.kubectl(ctx, source, nil, "get", "migration", "second", "-n", namespace, "-o",
		"jsonpath={.status.summary.resourcesUpdated} {.status.summary.resourcesCreated}")
	if err != nil {
		return err
	}
	if summary != "2 " {
		return fmt.Errorf("expected two updated objects and no created ones, got %q", summary)
	}
	return d.show(ctx, source, "kubectl", "get", "migration", "second", "-n", namespace, "-o", `jsonpath={.status.conditions[?(@.type=="Succeeded")].message}{"\n"}`)
}

// show runs a command as a user would, and prints it with its output.
func (d *demo) show(ctx context.Context, cluster int, command ...string) error {
	fmt.Printf("$ %s\n", quoted(command))
	output, err := d.run(ctx, cluster, nil, command...)
	fmt.Println(output)
	return err
}

func (d *demo) kubectl(ctx context.Context, cluster int, input io.Reader, arguments ...string) (string, error) {
	return d.run(ctx, cluster, input, append([]string{"kubectl"}, arguments...)...)
}

func (d *demo) run(ctx context.Context, cluster int, input io.Reader, command ...string) (string, error) {
	program := "bin/storkctl"
	if command[0] == "kubectl" {
		program = d.clusters[cluster].KubectlPath()
	}
	process := exec.CommandContext(ctx, program, command[1:]...)
	process.Env = append(os.Environ(), "KUBECONFIG="+d.clusters[cluster].KubeconfigFile())
	process.Stdin = input
	var stdout, stderr bytes.Buffer
	process.Stdout, process.Stderr = &stdout, &stderr
	if err := process.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// stop leaves nothing running and nothing on the disk.
func (d *demo) stop() error {
	var failures []error
	for _, manager := range d.managers {
		failures = append(failures, manager.Stop())
	}
	for _, cluster := range d.clusters {
		failures = append(failures, cluster.Stop())
	}
	for _, volume := range d.volumes {
		// The provisioner of the control plane makes volumes here, and only here.
		if strings.HasPrefix(volume, "/tmp/hostpath_pv/") {
			failures = append(failures, os.RemoveAll(volume))
		}
	}
	if d.folder != "" {
		failures = append(failures, os.RemoveAll(d.folder))
	}
	return errors.Join(failures...)
}

// quoted returns a command as a shell takes it.
func quoted(command []string) string {
	words := make([]string, len(command))
	for i, word := range command {
		if strings.ContainsAny(word, " {}()[]?*\"$;&|<>") {
			word = "'" + word + "'"
		}
		words[i] = word
	}
	return strings.Join(words, " ")
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
