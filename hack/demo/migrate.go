package main

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/godwit-io/godwit/hack/demo/stage"
)

// namespace of the application.
const namespace = "shop"

//go:embed manifests
var manifests embed.FS

// demo moves an application.
type demo struct{ *stage.Stage }

// createApplication creates a shop with its database and monitoring at the source.
func (d *demo) createApplication(ctx context.Context) error {
	d.Title("Create an application at the source: a shop with its database, in a Rancher project, watched by Prometheus")
	crds, err := operatorCRDs(ctx)
	if err != nil {
		return err
	}
	if _, err := d.Kubectl(ctx, stage.Source, nil, "apply", "--server-side", "-f", crds); err != nil {
		return err
	}
	if _, err := d.Kubectl(ctx, stage.Source, nil, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
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
		if err := d.Apply(ctx, stage.Source, content); err != nil {
			return err
		}
	}
	return d.AwaitVolume(ctx, namespace, "data-database-0")
}

// pair lets the source trust the destination.
func (d *demo) pair(ctx context.Context) error {
	d.Title("Pair the clusters")
	err := d.Show(ctx, stage.Source, "storkctl", "create", "clusterpair", "remote", "-n", namespace, "--mode", "sync-dr", "--unidirectional",
		"--src-kube-file", d.Clusters[stage.Source].KubeconfigFile(), "--dest-kube-file", d.Clusters[stage.Destination].KubeconfigFile(),
		"--project-mappings", "p-source=p-dest,c-source:p-source=c-dest:p-dest")
	if err != nil {
		return err
	}
	_, err = d.Kubectl(ctx, stage.Source, nil, "wait", "--for=condition=Ready", "--timeout=60s", "-n", namespace, "clusterpair/remote")
	if err != nil {
		return err
	}
	return d.Show(ctx, stage.Source, "storkctl", "get", "clusterpair", "-n", namespace)
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

// migrateAs creates a Migration and waits for its end.
func (d *demo) migrateAs(ctx context.Context, name string) error {
	manifest := fmt.Sprintf(migration, name)
	fmt.Printf("$ kubectl apply -f - <<EOF\n%sEOF\n", manifest)
	output, err := d.Kubectl(ctx, stage.Source, strings.NewReader(manifest), "apply", "-f", "-")
	if err != nil {
		return err
	}
	fmt.Print(output, "\n")
	_, err = d.Kubectl(ctx, stage.Source, nil, "wait", "--for=jsonpath={.status.stage}=Final", "--timeout=120s", "-n", namespace, "migration/"+name)
	if err != nil {
		return err
	}
	return d.Show(ctx, stage.Source, "storkctl", "get", "migrations", name, "-n", namespace)
}

func (d *demo) migrate(ctx context.Context) error {
	d.Title("Migrate the namespace")
	if err := d.migrateAs(ctx, "first"); err != nil {
		return err
	}
	return d.Show(ctx, stage.Source, "storkctl", "get", "migrations", "first", "-n", namespace, "--report")
}

// showDestination shows what arrived and how it was changed.
func (d *demo) showDestination(ctx context.Context) error {
	d.Title("Look at the destination: everything is there, and nothing runs until it is activated")
	if err := d.Show(ctx, stage.Destination, "kubectl", "get", "deployment,statefulset,cronjob,daemonset,pvc,prometheus", "-n", namespace); err != nil {
		return err
	}
	for _, look := range [][]string{
		{"Replicas to come back to", "deployment/web", `{.metadata.annotations.stork\.libopenstorage\.org/migrationReplicas}`},
		{"Replicas of Prometheus", "prometheus/shop", `{.metadata.annotations.stork\.libopenstorage\.org/spec\.replicas} (before, suspended)`},
		{"Rancher project of the shop", "namespace/shop", `{.metadata.labels.field\.cattle\.io/projectId}`},
		{"Rancher project in the policy", "networkpolicy/from-project",
			`{.spec.ingress[0].from[0].namespaceSelector.matchLabels.field\.cattle\.io/projectId}`},
	} {
		output, err := d.Kubectl(ctx, stage.Destination, nil, "get", "-n", namespace, look[1], "-o", "jsonpath="+look[2])
		if err != nil {
			return err
		}
		fmt.Printf("%-32s%s\n", look[0]+":", output)
	}
	return nil
}

// migrateChange changes two objects at the source and shows that only these are written.
func (d *demo) migrateChange(ctx context.Context) error {
	d.Title("Change two objects at the source and migrate again")
	commands := [][]string{
		{"set", "image", "deployment/web", "web=registry.example.com/shop:1.5.0", "-n", namespace},
		{"patch", "configmap", "shop", "-n", namespace, "--type=merge", "-p", `{"data":{"currency":"USD"}}`},
	}
	for _, command := range commands {
		if err := d.Show(ctx, stage.Source, append([]string{"kubectl"}, command...)...); err != nil {
			return err
		}
	}
	if err := d.migrateAs(ctx, "second"); err != nil {
		return err
	}
	summary, err := d.Kubectl(ctx, stage.Source, nil, "get", "migration", "second", "-n", namespace, "-o",
		"jsonpath={.status.summary.resourcesUpdated} {.status.summary.resourcesCreated}")
	if err != nil {
		return err
	}
	if summary != "2 " {
		return fmt.Errorf("expected two updated objects and no created ones, got %q", summary)
	}
	return d.Show(ctx, stage.Source, "kubectl", "get", "migration", "second", "-n", namespace, "-o", `jsonpath={.status.conditions[?(@.type=="Succeeded")].message}{"\n"}`)
}
