// Command stork speaks to an API server as Stork and Stork's storkctl do: with the client-go of Stork's time, with structs that
// have Stork's fields and no others, so that all else is lost on the way, and by plain creations and updates of whole objects,
// status included. It stands in for Stork's own client, whose module cannot be had everywhere.
//
//	stork KUBECONFIG crds                               creates the CRDs as Stork does when it starts
//	stork KUBECONFIG create                             creates the objects of a YAML file on stdin
//	stork KUBECONFIG list                               prints all objects, one a line
//	stork KUBECONFIG update PLURAL NAMESPACE/NAME JSON  reads an object, sets the fields in JSON, and updates it
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const group = "stork.libopenstorage.org"

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: stork KUBECONFIG crds|create|list|update")
	}
	client, err := newClient(args[0])
	if err != nil {
		return err
	}
	switch verb := args[1]; {
	case verb == "crds":
		return client.createCRDs(ctx)
	case verb == "create":
		return client.create(ctx, os.Stdin)
	case verb == "list":
		return client.list(ctx, os.Stdout)
	case verb == "update" && len(args) == 5:
		return client.update(ctx, args[2], args[3], args[4])
	default:
		return fmt.Errorf("bad arguments %q", args[1:])
	}
}

type storkClient struct{ *rest.RESTClient }

func newClient(kubeconfig string) (*storkClient, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.GroupVersion = &schema.GroupVersion{Group: group, Version: "v1alpha1"}
	config.APIPath = "/apis"
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"}) // For errors.
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	// Without this it would have none: the server names the manager of fields by it.
	config.UserAgent = rest.DefaultKubernetesUserAgent()
	config.QPS = -1
	client, err := rest.RESTClientFor(config)
	return &storkClient{client}, err
}

func (c *storkClient) create(ctx context.Context, input io.Reader) error {
	decoder := utilyaml.NewYAMLReader(bufio.NewReader(input))
	for {
		document, err := decoder.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.createOne(ctx, document); err != nil {
			return err
		}
	}
}

func (c *storkClient) createOne(ctx context.Context, document []byte) error {
	var named struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &named); err != nil || named.Kind == "" {
		return err
	}
	k, err := kindBy(func(k kind) bool { return k.name == named.Kind })
	if err != nil {
		return err
	}
	o := k.new()
	if err := yaml.UnmarshalStrict(document, o); err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	o.setKind(k.name)
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	err = c.Post().NamespaceIfScoped(o.GetNamespace(), !k.clusterScoped).Resource(k.plural).Body(body).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("creating %s %s/%s: %w", k.name, o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

func (c *storkClient) list(ctx context.Context, output io.Writer) error {
	encoder := json.NewEncoder(output)
	for _, k := range kinds {
		content, err := c.Get().Resource(k.plural).DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("listing %s: %w", k.plural, err)
		}
		var list struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := utiljson.Unmarshal(content, &list); err != nil {
			return err
		}
		for _, item := range list.Items {
			o := k.new()
			if err := utiljson.Unmarshal(item, o); err != nil { // Case matters to it, as to all clients.
				return fmt.Errorf("decoding a %s: %w\n%s", k.name, err, item)
			}
			o.setKind(k.name)
			if err := encoder.Encode(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *storkClient) update(ctx context.Context, plural, name, change string) error {
	k, err := kindBy(func(k kind) bool { return k.plural == plural })
	if err != nil {
		return err
	}
	namespace, name, _ := strings.Cut(name, "/")
	content, err := c.Get().NamespaceIfScoped(namespace, !k.clusterScoped).Resource(plural).Name(name).DoRaw(ctx)
	if err != nil {
		return err
	}
	o := k.new()
	if err := errors.Join(utiljson.Unmarshal(content, o), utiljson.Unmarshal([]byte(change), o)); err != nil {
		return err
	}
	o.setKind(k.name)
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return c.Put().NamespaceIfScoped(namespace, !k.clusterScoped).Resource(plural).Name(name).Body(body).Do(ctx).Error()
}

func kindBy(matches func(kind) bool) (kind, error) {
	for _, k := range kinds {
		if matches(k) {
			return k, nil
		}
	}
	return kind{}, errors.New("Stork has no such kind")
}

// createCRDs creates what is missing, leaves what is there as it is, and waits until all is served.
func (c *storkClient) createCRDs(ctx context.Context) error {
	const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	for _, k := range kinds {
		body, err := json.Marshal(k.definition())
		if err != nil {
			return err
		}
		if err := c.Post().AbsPath(path).Body(body).Do(ctx).Error(); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
		err = wait.PollImmediateWithContext(ctx, 100*time.Millisecond, time.Minute, func(ctx context.Context) (bool, error) {
			content, err := c.Get().AbsPath(path, k.plural+"."+group).DoRaw(ctx)
			return strings.Contains(string(content), `"type":"Established"`), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// definition is a CRD as Stork makes it: any object is valid, nothing is a subresource, and nothing is shown of it.
func (k kind) definition() map[string]any {
	scope := "Namespaced"
	if k.clusterScoped {
		scope = "Cluster"
	}
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": k.plural + "." + group, "creationTimestamp": nil},
		"spec": map[string]any{
			"group": group, "scope": scope,
			"names": map[string]any{"kind": k.name, "plural": k.plural, "singular": strings.ToLower(k.name)},
			"versions": []any{map[string]any{
				"name": "v1alpha1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}
}
