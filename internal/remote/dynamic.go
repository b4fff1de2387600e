package remote

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// NewDynamic returns a dynamic client that decodes each object of a list once. The one that client-go makes decodes them twice and
// scans them five times, which takes most of the time of a migration that has nothing to write. config is not changed.
func NewDynamic(config *rest.Config, client *http.Client) (dynamic.Interface, error) {
	config = dynamic.ConfigFor(config)
	config.GroupVersion = nil
	config.APIPath = "/dynamic-clients-name-whole-paths"
	config.NegotiatedSerializer = listSerializer{config.NegotiatedSerializer}
	restClient, err := rest.UnversionedRESTClientForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	return dynamic.New(restClient), nil
}

// listSerializer is client-go's but for lists.
type listSerializer struct{ runtime.NegotiatedSerializer }

func (s listSerializer) DecoderToVersion(decoder runtime.Decoder, version runtime.GroupVersioner) runtime.Decoder {
	return listDecoder{s.NegotiatedSerializer.DecoderToVersion(decoder, version)}
}

type listDecoder struct{ runtime.Decoder }

func (d listDecoder) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	if list, wanted := into.(*unstructured.UnstructuredList); wanted && decodeList(data, list) {
		kind := list.GroupVersionKind()
		return list, &kind, nil
	}
	// Whatever is no list, or nothing at all, has client-go's result or error.
	return d.Decoder.Decode(data, defaults, into)
}

// decodeList fills list and tells whether data is a list. API servers leave kind and version out of the items of built-in kinds.
func decodeList(data []byte, list *unstructured.UnstructuredList) bool {
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		return false
	}
	kind, _ := content["kind"].(string)
	version, _ := content["apiVersion"].(string)
	items, isList := content["items"].([]any)
	if !isList || version == "" || !strings.HasSuffix(kind, "List") {
		return false
	}
	objects := make([]unstructured.Unstructured, len(items))
	for i, item := range items {
		fields, isObject := item.(map[string]any)
		if !isObject {
			return false
		}
		objects[i].Object = fields
		if objects[i].GetKind() == "" && objects[i].GetAPIVersion() == "" {
			objects[i].SetKind(strings.TrimSuffix(kind, "List"))
			objects[i].SetAPIVersion(version)
		}
	}
	delete(content, "items")
	list.Object, list.Items = content, objects
	return true
}
