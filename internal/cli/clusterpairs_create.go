package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// The modes of a pair, and the option that tells storage drivers of them.
const (
	modeAsyncDR   = "async-dr"
	modeSyncDR    = "sync-dr"
	modeMigration = "migration"
)

// createClusterPair are the flags of `create clusterpair`.
type createClusterPair struct {
	*globals
	source, destination sideFlags
	mode                string
	unidirectional      bool
	inlineKubeconfig    bool
	projectMappings     string
	annotations         map[string]string
	store               objectStore
	// Flags of early Storks, which are refused.
	sourceIP, sourcePort, destinationIP, destinationPort string
}

// sideFlags are the flags for one of the two clusters.
type sideFlags struct {
	kubeFile, endpoint, token string
}

func newCreateClusterPairCommand(g *globals) *cobra.Command {
	o := &createClusterPair{globals: g}
	cmd := &cobra.Command{
		Use:     clusterPairUse + " NAME",
		Aliases: clusterPairAliases(),
		Short:   "Pair two clusters",
		Long: `Pair two clusters: create a ClusterPair of the same name in both, or with --unidirectional only in the source, along with the
namespace where it is missing. When a step fails, what was created is removed again; what is there already, just as it should be,
is left as it is, so the command can be repeated. The pair back has the project mappings inverted.

A pair of mode sync-dr has no storage options: objects are migrated over it. The modes async-dr and migration pair Portworx
clusters too. For them, --dest-ep and --src-ep are found out from the Service labelled name=portworx-api if not given, and
--dest-token and --src-token are needed, which "pxctl cluster token show" prints; the flags for the source are not needed with
--unidirectional. They also need an object store: one that both clusters have a BackupLocation for, or one described by --provider
and the flags for it.

Of each kubeconfig only the current context is used. It is kept in a Secret named NAME-kubeconfig that the pair refers to and that
is deleted along with the pair. --inline-kubeconfig puts it into the ClusterPair itself, which Stork needs; then everyone who may
read ClusterPairs can read the credentials.`,
		Example: `  # Pair two clusters for migrating objects in both directions.
  storkctl create clusterpair remote -n shop --mode sync-dr --src-kube-file here.yaml --dest-kube-file there.yaml

  # Only from here to there, with Rancher's projects mapped.
  storkctl create clusterpair remote -n shop --mode sync-dr --unidirectional --src-kube-file here.yaml --dest-kube-file there.yaml \
    --project-mappings p-1=p-2,c-1:p-1=c-2:p-2

  # Pair their Portworx clusters too, over a bucket that both reach.
  storkctl create clusterpair remote -n shop --src-kube-file here.yaml --dest-kube-file there.yaml \
    --src-ep px.here.example.com:9001 --src-token TOKEN --dest-ep px.there.example.com:9001 --dest-token TOKEN \
    --provider s3 --bucket dr --s3-endpoint s3.example.com --s3-region eu-1 --s3-access-key KEY --s3-secret-key SECRET`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	o.addFlags(cmd)
	return cmd
}

func (o *createClusterPair) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.source.kubeFile, "src-kube-file", "", "Path of the kubeconfig of the source cluster")
	flags.StringVar(&o.destination.kubeFile, "dest-kube-file", "", "Path of the kubeconfig of the destination cluster")
	flags.StringVar(&o.source.endpoint, "src-ep", "", "Endpoint of the Service portworx-api of the source cluster, as host:port")
	flags.StringVar(&o.destination.endpoint, "dest-ep", "", "Endpoint of the Service portworx-api of the destination cluster, as host:port")
	flags.StringVar(&o.source.token, "src-token", "", "Token of the source's Portworx cluster")
	flags.StringVar(&o.destination.token, "dest-token", "", "Token of the destination's Portworx cluster")
	flags.StringVar(&o.mode, "mode", modeAsyncDR, "What the pair is for: async-dr, sync-dr or migration")
	flags.BoolVarP(&o.unidirectional, "unidirectional", "u", false, "Create the pair only in the source cluster")
	flags.BoolVar(&o.inlineKubeconfig, "inline-kubeconfig", false, "Keep credentials in the ClusterPair in place of a Secret, as Stork needs it")
	flags.StringVar(&o.projectMappings, "project-mappings", "", projectMappingsHelp)
	flags.StringToStringVar(&o.annotations, "annotations", nil, "Annotations of the ClusterPair, as key=value, separated by commas")
	o.store.addFlags(o.globals, cmd)
	completeFlag(cmd, "mode", cobra.FixedCompletions([]string{modeAsyncDR, modeSyncDR, modeMigration}, cobra.ShellCompDirectiveNoFileComp))

	for name, value := range map[string]*string{
		"src-ip": &o.sourceIP, "src-port": &o.sourcePort, "dest-ip": &o.destinationIP, "dest-port": &o.destinationPort,
	} {
		flags.StringVar(value, name, "", "Not supported any more")
		flags.Lookup(name).Hidden = true
	}
}

func (o *createClusterPair) run(ctx context.Context, args []string) error {
	p, err := o.prepare(args)
	if err != nil {
		return err
	}
	if err := p.create(ctx); err != nil {
		return errors.Join(err, p.undo(ctx))
	}
	return nil
}

// prepare checks all that can be checked without a request.
func (o *createClusterPair) prepare(args []string) (*pairing, error) {
	if len(args) != 1 {
		return nil, errors.New("exactly one name needs to be provided for clusterpair name")
	}
	if err := validateNames(args[0], o.namespace); err != nil {
		return nil, err
	}
	if err := o.validateFlags(); err != nil {
		return nil, err
	}
	p := &pairing{createClusterPair: o, name: args[0]}
	for _, step := range []func() error{p.readMappings, p.readStorage, p.readKubeconfigs} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (o *createClusterPair) validateFlags() error {
	if err := o.refuseDeprecated(); err != nil {
		return err
	}
	switch o.mode {
	case modeAsyncDR, modeSyncDR, modeMigration:
	default:
		return fmt.Errorf("invalid mode %s, mode value should either be async-dr, sync-dr or migration", o.mode)
	}
	if err := required(
		parameter{"src-kube-file", o.source.kubeFile, "Kubeconfig file missing for source cluster"},
		parameter{"dest-kube-file", o.destination.kubeFile, "Kubeconfig file missing for destination cluster"}); err != nil {
		return err
	}
	return differentFiles(o.source.kubeFile, o.destination.kubeFile)
}

func (o *createClusterPair) refuseDeprecated() error {
	for _, f := range []struct{ old, value, instead string }{
		{"src-ip", o.sourceIP, "src-ep"}, {"src-port", o.sourcePort, "src-ep"},
		{"dest-ip", o.destinationIP, "dest-ep"}, {"dest-port", o.destinationPort, "dest-ep"},
	} {
		if f.value != "" {
			return fmt.Errorf("--%s is not supported any more: provide --%s as host:port instead", f.old, f.instead)
		}
	}
	return nil
}

// differentFiles refuses to pair a cluster with itself by mistake.
func differentFiles(source, destination string) error {
	if filepath.Clean(source) == filepath.Clean(destination) {
		return errors.New("source kubeconfig file and destination kubeconfig file should be different")
	}
	contents := make([][]byte, 0, 2)
	for _, file := range []string{source, destination} {
		content, err := os.ReadFile(file) //nolint:gosec // The file is the user's own.
		if err != nil {
			return err
		}
		contents = append(contents, content)
	}
	if bytes.Equal(contents[0], contents[1]) {
		return errors.New("source kubeconfig and destination kubeconfig file should be different")
	}
	return nil
}
