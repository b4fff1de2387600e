package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// The forms in which --output prints objects.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

// globals are the flags that every command has.
type globals struct {
	Options
	kubeconfig    string
	context       string
	namespace     string
	output        string
	watch         bool
	allNamespaces bool
	qps           int
	burst         int
}

func (g *globals) addFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	// The namespace of the kubeconfig's context is ignored, as Stork does.
	flags.StringVarP(&g.namespace, "namespace", "n", "default", "Namespace of the objects; that of the kubeconfig's context plays no part")
	flags.StringVar(&g.kubeconfig, "kubeconfig", "", "Path of the kubeconfig file")
	flags.StringVar(&g.context, "context", "", "Context of the kubeconfig to use")
	flags.StringVarP(&g.output, "output", "o", outputTable, "Form of the output: table, json or yaml")
	flags.BoolVarP(&g.watch, "watch", "w", false, "After printing, go on to print each object of a get command again whenever it changes")
	flags.IntVar(&g.qps, "qps", 1000, "Requests a second to the API server; 0 or less means no limit")
	flags.IntVar(&g.burst, "burst", 2000, "Requests to the API server at once beyond --qps")
	completeFlag(root, "output", cobra.FixedCompletions([]string{outputTable, outputJSON, outputYAML}, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(root, "context", g.completeContexts)
	completeFlag(root, "namespace", g.completeObjects(&corev1.NamespaceList{}))
}

func (g *globals) validate() error {
	if !slices.Contains([]string{outputTable, outputJSON, outputYAML}, g.output) {
		return fmt.Errorf("unsupported output type %s", g.output)
	}
	return nil
}

// clientConfig reads the kubeconfig that the flags choose.
func (g *globals) clientConfig() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = g.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: g.context})
}

// restConfig returns how to reach the cluster that the flags choose.
func (g *globals) restConfig() (*rest.Config, error) {
	config, err := g.clientConfig().ClientConfig()
	if err != nil {
		return nil, err
	}
	return g.tuned(config), nil
}

// tuned applies the flags for requests to config, which it changes.
func (g *globals) tuned(config *rest.Config) *rest.Config {
	config.UserAgent = "storkctl/" + g.Version
	config.QPS, config.Burst = float32(g.qps), g.burst
	if g.qps <= 0 {
		config.QPS = -1
	}
	config.WarningHandler = rest.NewWarningWriter(g.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	return config
}

// client returns a client for the cluster that the flags choose.
func (g *globals) client() (client.WithWatch, error) {
	config, err := g.restConfig()
	if err != nil {
		return nil, err
	}
	return newClient(config)
}

func newClient(config *rest.Config) (client.WithWatch, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// newScheme knows the kinds that commands read and write.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(storkv1alpha1.AddToScheme, corev1.AddToScheme, appsv1.AddToScheme, discoveryv1.AddToScheme)
	return scheme, builder.AddToScheme(scheme)
}

// println prints a line on the output stream. Errors of it are dropped: there is nobody left to tell.
func (g *globals) println(line string) {
	_, _ = fmt.Fprintln(g.Out, printable(line))
}

// printlnErr prints a line on the error stream.
func (g *globals) printlnErr(line string) {
	_, _ = fmt.Fprintln(g.ErrOut, printable(line))
}

// alsoSpelled makes other spellings of a flag work, since Stork's commands do not agree on one.
func alsoSpelled(flags *pflag.FlagSet, name string, spellings ...string) {
	for _, spelling := range spellings {
		other := *flags.Lookup(name)
		other.Name, other.Shorthand, other.Hidden = spelling, "", true
		flags.AddFlag(&other)
	}
}
