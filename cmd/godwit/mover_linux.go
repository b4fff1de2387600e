package main

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// moverExits is what both ends say of how they end.
const moverExits = `

Standard output has a line of JSON every few seconds, the last of which is the termination message too. Exit codes: 0 all was
copied, 1 not all was, and another attempt may do it, 2 no other attempt will (flags, identity, no volume, no rsync).`

func newMoverCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "mover",
		Short: "Copy the data of a volume, in a pod beside it",
		Args:  cobra.NoArgs,
	}
	command.AddCommand(newSendCommand(), newReceiveCommand(), newDialCommand())
	for _, sub := range command.Commands() {
		sub.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{mover.ExitNever, err} })
	}
	return command
}

// moverFlags are those of both ends.
type moverFlags struct {
	volume         string
	identity       string
	peer           string
	terminationLog string
}

func (f *moverFlags) bind(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&f.volume, "volume", "", "folder that the volume is mounted at")
	set.StringVar(&f.identity, "identity", "", "folder with ca.crt, tls.crt and tls.key")
	set.StringVar(&f.peer, "peer", "", "DNS name in the certificate of the other end")
	set.StringVar(&f.terminationLog, "termination-log", "/dev/termination-log", "file that gets the last report, 4096 bytes at most")
	for _, name := range []string{"volume", "identity", "peer"} {
		_ = command.MarkFlagRequired(name)
	}
}

// end makes the exit code of the last report.
func (f *moverFlags) end(last report.Report) error {
	if err := report.WriteTermination(f.terminationLog, last); err != nil {
		fmt.Fprintln(os.Stderr, "warning: no termination message:", err)
	}
	if code := mover.ExitCode(last); code != mover.ExitComplete {
		return exitError{code, fmt.Errorf("%s: %s: %s", last.Result, last.Class, last.Message)}
	}
	return nil
}

func newSendCommand() *cobra.Command {
	flags := &moverFlags{}
	options := mover.SendOptions{Out: os.Stdout, Clock: clock.RealClock{}}
	var proxyFile string
	command := &cobra.Command{
		Use:   "send",
		Short: "Copy a volume to `godwit mover receive`",
		Long:  "Copy a volume to `godwit mover receive`, which may run already or appear later." + moverExits,
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			options.Shell = []string{program, "mover", "dial"}
			options.Volume, options.Dialer.Identity, options.Dialer.Peer = flags.volume, flags.identity, flags.peer
			if options.Dialer.Proxy, err = readProxy(proxyFile); err != nil {
				return exitError{mover.ExitNever, err}
			}
			return flags.end(mover.Send(command.Context(), options))
		},
	}
	flags.bind(command)
	set := command.Flags()
	set.StringVar(&options.Dialer.Address, "connect", "", "host and port of the receiver")
	_ = command.MarkFlagRequired("connect")
	set.StringVar(&proxyFile, "proxy-file", "",
		"file with the URL of a proxy to connect through, such as http://user:password@host:3128 (http, https, socks5 or socks5h); empty is none")
	set.Int64Var(&options.Dialer.BytesPerSecond, "bytes-per-second", 0, "bound of what is sent, over all connections; 0 is none")
	set.DurationVar(&options.Patience, "connect-timeout", 5*time.Minute, "how long the receiver may take to appear")
	set.IntVar(&options.Parts, "parts", 4, "how many copies run side by side, each of another part of the volume")
	set.IntVar(&options.Walkers, "walkers", 16, "how many folders are read at once when the volume is looked through")
	set.BoolVar(&options.RootAttributes, "root-attributes", false,
		"carry over the owner, mode and times of the folder at the volume's root, which is the cluster's own affair otherwise (fsGroup)")
	set.BoolVar(&options.Verify, "verify", false, "compare all of both volumes afterwards, contents included, and report a digest")
	set.BoolVar(&options.Live, "live", false, "others write to the volume meanwhile, so that files that vanish or change are counted and no failure")
	return command
}

func readProxy(file string) (*url.URL, error) {
	if file == "" {
		return nil, nil
	}
	return link.ReadProxy(file)
}

func newReceiveCommand() *cobra.Command {
	flags := &moverFlags{}
	options := mover.ReceiveOptions{Out: os.Stdout, Clock: clock.RealClock{}}
	command := &cobra.Command{
		Use:   "receive",
		Short: "Write to a volume what `godwit mover send` sends",
		Long:  "Write to a volume what `godwit mover send` sends, attempt after attempt, until one of them has sent all." + moverExits,
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.Volume, options.Identity, options.Peer = flags.volume, flags.identity, flags.peer
			return flags.end(mover.Receive(command.Context(), options))
		},
	}
	flags.bind(command)
	command.Flags().StringVar(&options.Listen, "listen", ":8443", "address to accept the sender at")
	return command
}

func newDialCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "dial",
		Short:              "Join rsync to the mover that runs it; only rsync calls it",
		Hidden:             true,
		DisableFlagParsing: true, // What follows is rsync's idea of the other end.
		RunE:               func(*cobra.Command, []string) error { return rsync.HandOver() },
	}
}
