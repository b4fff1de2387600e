package tenant_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

var (
	plantedMu sync.Mutex
	// allPlanted are the secrets that nobody must find anywhere, by what they are.
	allPlanted = map[string]string{}
)

// planted returns a secret that the last test looks for.
func planted(what string) string {
	hash := sha256.Sum256([]byte(what))
	return plant(what, "hush"+hex.EncodeToString(hash[:12]))
}

func plant(what, secret string) string {
	plantedMu.Lock()
	defer plantedMu.Unlock()
	allPlanted[what] = secret
	return secret
}

// Whatever was done to the operator, and in whatever order: nothing that it told anybody has a secret in it.

var _ = AfterSuite(func(ctx SpecContext) {
	if operator == nil || neighbour == nil {
		return
	}
	emitted := map[string]string{"the log": operatorLog(), "the metrics": metricsOf(ctx)}
	for _, cluster := range []*localcluster.Cluster{source, destination} {
		for name, object := range objectsOf(ctx, cluster) {
			emitted[name+" in "+cluster.Config().Host] = object
		}
	}
	Expect(len(emitted)).To(BeNumerically(">", 100))
	Expect(allPlanted).NotTo(BeEmpty())
	for where, text := range emitted {
		for what, secret := range allPlanted {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
				Expect(strings.Contains(text, form)).To(BeFalse(), "%s is in %s", what, where)
			}
		}
	}
})

func metricsOf(ctx context.Context) string {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, operator.MetricsURL, nil)
	Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close() //nolint:errcheck // It was read.
	content, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(content)).To(ContainSubstring("godwit_"))
	return string(content)
}

// keepers are the kinds whose own content is where a user keeps a secret, with the field that has it.
var keepers = map[string]string{"ClusterPair": "spec", "Rule": "rules", "BackupLocation": "location"}

// objectsOf returns what all objects of a cluster tell, Secrets excepted.
func objectsOf(ctx context.Context, cluster *localcluster.Cluster) map[string]string {
	GinkgoHelper()
	client, err := dynamic.NewForConfig(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
	kinds, err := discovery.NewDiscoveryClientForConfigOrDie(cluster.Config()).ServerPreferredResources()
	Expect(err).NotTo(HaveOccurred())
	texts := map[string]string{}
	for _, list := range kinds {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		Expect(err).NotTo(HaveOccurred())
		for _, kind := range list.APIResources {
			if kind.Kind == "Secret" || !strings.Contains(strings.Join(kind.Verbs, ","), "list") {
				continue
			}
			found, err := client.Resource(version.WithResource(kind.Name)).List(ctx, metav1.ListOptions{})
			Expect(err).NotTo(HaveOccurred())
			for i := range found.Items {
				object := &found.Items[i]
				texts[kind.Kind+" "+object.GetNamespace()+"/"+object.GetName()] = textOf(object)
			}
		}
	}
	return texts
}

func textOf(object *unstructured.Unstructured) string {
	GinkgoHelper()
	delete(object.Object, keepers[object.GetKind()])
	content, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	text := string(content)
	if packed, _, _ := unstructured.NestedString(object.Object, "binaryData", storkv1alpha1.ReportKey); packed != "" {
		compressed, err := base64.StdEncoding.DecodeString(packed)
		Expect(err).NotTo(HaveOccurred())
		reader, err := gzip.NewReader(bytes.NewReader(compressed))
		Expect(err).NotTo(HaveOccurred())
		report, err := io.ReadAll(reader)
		Expect(err).NotTo(HaveOccurred())
		text += string(report)
	}
	return text
}
