package cli

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// newPair returns a pair with a status.
func newPair(namespace, name string, storage, scheduler storkv1alpha1.ClusterPairStatusType) *storkv1alpha1.ClusterPair {
	pair := newClusterPair(name, namespace, nil, nil)
	pair.Spec.KubeconfigSecretRef = &storkv1alpha1.KubeconfigSecretRef{Name: "any"}
	pair.Status.StorageStatus, pair.Status.SchedulerStatus = storage, scheduler
	return pair
}

var _ = Describe("get clusterpair", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, hereClient, nil) })

	It("says when there is none, or none of that name", func(ctx SpecContext) {
		Expect(storkctl(ctx, "get", "clusterpair", "-n", namespace)).To(Equal(succeeds("No resources found.\n")))
		Expect(storkctl(ctx, "get", "clusterpair", "pair1", "-n", namespace)).To(Equal(fails(
			`Error from server (NotFound): clusterpairs.stork.libopenstorage.org "pair1" not found`)))
	})

	It("prints one, many, those that are named, and those of all namespaces", func(ctx SpecContext) {
		p1 := newPair(namespace, "remotecluster", "Ready", "Ready")
		p2 := newPair(namespace, "second", "NotProvided", "Error")
		create(ctx, hereClient, p1)
		create(ctx, hereClient, p2)
		header := "NAME            STORAGE-STATUS   SCHEDULER-STATUS   CREATED"
		row1, row2 := "remotecluster   Ready            Ready              "+created(p1), "second          NotProvided      Error              "+created(p2)
		Expect(storkctl(ctx, "get", "clusterpair", "remotecluster", "-n", namespace)).To(Equal(succeeds(lines(header, row1))))
		for _, alias := range []string{"clusterpair", "cp"} {
			Expect(storkctl(ctx, "get", alias, "-n", namespace)).To(Equal(succeeds(lines(header, row1, row2))))
		}
		Expect(storkctl(ctx, "get", "clusterpair", "second", "remotecluster", "-n", namespace)).To(Equal(succeeds(lines(header, row2, row1))))
		all := storkctl(ctx, "get", "clusterpair", "-A").out
		Expect(all).To(And(HavePrefix("NAMESPACE "), MatchRegexp(namespace+" +remotecluster +Ready +Ready +"+created(p1)+"\n"), MatchRegexp(namespace+" +second ")))
	})

	It("leaves blank what is not known, with the spaces of its columns", func(ctx SpecContext) {
		p := newPair(namespace, "pair1", "", "")
		create(ctx, hereClient, p)
		Expect(storkctl(ctx, "get", "clusterpair", "-n", namespace)).To(Equal(succeeds(lines(
			"NAME    STORAGE-STATUS   SCHEDULER-STATUS   CREATED",
			"pair1                                       "+created(p)))))
	})
})

var _ = Describe("generate clusterpair", func() {
	// run generates with a kubeconfig of its own.
	run := func(ctx context.Context, config *clientcmdapi.Config, args ...string) (result, *storkv1alpha1.ClusterPair) {
		GinkgoHelper()
		content, err := clientcmd.Write(*config)
		Expect(err).NotTo(HaveOccurred())
		got := storkctl(ctx, append([]string{"--kubeconfig", writeFile(content), "generate", "clusterpair", "-n", "shop"}, args...)...)
		pair := &storkv1alpha1.ClusterPair{}
		Expect(yaml.UnmarshalStrict([]byte(got.out), pair)).To(Succeed())
		return got, pair
	}
	twoContexts := func() *clientcmdapi.Config {
		config := clientcmdapi.NewConfig()
		for _, name := range []string{"one", "two"} {
			config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + name, CertificateAuthorityData: []byte("ca of " + name)}
			config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: "token-of-" + name}
			config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
		}
		config.CurrentContext = "one"
		return config
	}

	It("refuses what is no name", func(ctx SpecContext) {
		const rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
			"alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
		Expect(storkctl(ctx, "generate", "clusterpair")).To(Equal(fails("error: exactly one name needs to be provided for clusterpair name")))
		Expect(storkctl(ctx, "generate", "clusterpair", "pair_test")).To(Equal(fails(`error: the Name "pair_test" is not valid: [` + rule + `]`)))
		Expect(storkctl(ctx, "generate", "clusterpair", "pair", "-n", "test_namespace")).To(Equal(fails(`error: the Namespace "test_namespace" is not valid: [` + rule + `]`)))
		Expect(storkctl(ctx, "generate", "clusterpair", "pair", "-s", "secret")).To(Equal(fails(
			"error: invalid storage options: each item must have the form key=value, and items are separated by commas")))
	})

	It("prints a pair of the current context and nothing of others, without options", func(ctx SpecContext) {
		got, pair := run(ctx, twoContexts(), "remote")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(Equal(`apiVersion: stork.libopenstorage.org/v1alpha1
kind: ClusterPair
metadata:
  name: remote
  namespace: shop
spec:
  config:
    clusters:
      one:
        certificate-authority-data: Y2Egb2Ygb25l
        server: https://one
    contexts:
      one:
        cluster: one
        user: one
    current-context: one
    users:
      one:
        token: token-of-one
  platformOptions: {}
`))
		Expect(pair.Spec.Options).To(BeEmpty())
	})

	It("prints the context of --context, options, mappings and JSON", func(ctx SpecContext) {
		got, pair := run(ctx, twoContexts(), "remote", "--context", "two", "-s", "ip=192.0.2.7,port=9001,token=a=b", "--project-mappings", "a=b,c:d=e:f", "-o", "json")
		Expect(got.code).To(BeZero(), got.err)
		Expect(got.out).To(HavePrefix("{\n"))
		Expect(got.out).NotTo(ContainSubstring("token-of-one"))
		Expect(string(pair.Spec.Config.Raw)).To(ContainSubstring("token-of-two"))
		Expect(pair.Spec.Options).To(Equal(map[string]string{"ip": "192.0.2.7", "port": "9001", "token": "a=b"}))
		Expect(pair.Spec.PlatformOptions.Rancher.ProjectMappings).To(Equal(map[string]string{"a": "b", "c:d": "e:f"}))
	})

	It("prints something that the API server takes", func(ctx SpecContext) {
		namespace := newNamespace(ctx, hereClient, nil)
		_, pair := run(ctx, twoContexts(), "remote", "-n", namespace)
		Expect(hereClient.Create(ctx, pair)).To(Succeed())
	})

	It("refuses credentials that a program fetches, with a way out", func(ctx SpecContext) {
		config := twoContexts()
		config.AuthInfos["one"] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
			Command: "aws", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		}}
		got, _ := run(ctx, config, "remote")
		Expect(got).To(Equal(fails(`error: user "one" logs in by the program "aws", and the operator refuses it: create a ServiceAccount with a token in that cluster and use a kubeconfig with this token`)))
	})

	It("is in the help, and says on the error stream that it is deprecated, and only when it prints no pair", func(ctx SpecContext) {
		Expect(storkctl(ctx, "--help").out).To(MatchRegexp(`\n  generate +Print the specification of an object \(deprecated\)\n`))
		got := storkctl(ctx, "generate")
		Expect(got.code).To(BeZero())
		Expect(got.out).To(ContainSubstring("clusterpair "))
		Expect(strings.Split(got.err, "\n")[0]).To(Equal("Command \"generate\" is deprecated, use `storkctl create clusterpair`, which pairs both clusters at once"))
	})
})
