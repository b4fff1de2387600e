package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/hack/debian/programs"
)

// stunnel copies with rsync to a daemon, through two stunnels that check each other's certificate.
type stunnel struct {
	work, rsync string
	address     string // Of the near stunnel.
	servers     []*exec.Cmd
}

const rsyncdConfig = `use chroot = %[1]v
uid = %[2]d
gid = %[3]d
munge symlinks = no
reverse lookup = no
address = 127.0.0.1
port = %[4]s
[bench]
path = %[5]s
read only = no
`

const stunnelConfig = `foreground = yes
pid =
sslVersionMin = TLSv1.3
cert = %[1]s/tls.crt
key = %[1]s/tls.key
CAfile = %[1]s/ca.crt
verifyChain = yes
debug = warning
[rsync]
client = %[2]s
accept = %[3]s
connect = %[4]s
%[5]s
`

// startStunnel starts the daemon and both stunnels.
func startStunnel(ctx context.Context, work string) (s *stunnel, stop func() error, err error) {
	s = &stunnel{work: work}
	if s.rsync, err = programs.Find(ctx, "rsync", os.Stderr); err != nil {
		return nil, nil, err
	}
	program, err := programs.Find(ctx, "stunnel4", os.Stderr)
	if err != nil {
		return nil, nil, err
	}
	var addresses [3]string
	for i := range addresses {
		if addresses[i], err = freeAddress(); err != nil {
			return nil, nil, err
		}
	}
	s.address = addresses[2]
	sender, receiver, err := mint()
	if err != nil {
		return nil, nil, err
	}
	far, near, daemon := filepath.Join(work, "far"), filepath.Join(work, "near"), filepath.Join(work, "rsyncd.conf")
	_, port, _ := strings.Cut(addresses[0], ":")
	for _, err := range []error{
		receiver.Write(far), sender.Write(near),
		os.WriteFile(daemon, fmt.Appendf(nil, rsyncdConfig, os.Geteuid() == 0, os.Geteuid(), os.Getegid(), port, work), 0o600),
		os.WriteFile(far+".conf", fmt.Appendf(nil, stunnelConfig, far, "no", addresses[1], addresses[0], ""), 0o600),
		os.WriteFile(near+".conf", fmt.Appendf(nil, stunnelConfig, near, "yes", addresses[2], addresses[1], "checkHost = "+receiverName), 0o600),
	} {
		if err != nil {
			return nil, nil, err
		}
	}
	for i, cmd := range []*exec.Cmd{
		exec.CommandContext(ctx, s.rsync, "--daemon", "--no-detach", "--config="+daemon),
		exec.CommandContext(ctx, program, far+".conf"),
		exec.CommandContext(ctx, program, near+".conf"),
	} {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Start(); err != nil {
			return nil, nil, errors.Join(err, s.stop())
		}
		s.servers = append(s.servers, cmd)
		if err := awaitPort(ctx, addresses[i]); err != nil {
			return nil, nil, errors.Join(err, s.stop())
		}
	}
	return s, s.stop, nil
}

func (s *stunnel) stop() error {
	var failures []error
	for _, server := range s.servers {
		failures = append(failures, server.Process.Kill())
		_ = server.Wait() // It was killed.
	}
	return errors.Join(failures...)
}

// copy has the settings that movers have: what is preserved, checksums, times to the nanosecond, large files in place, and all on the
// disk in the end.
func (s *stunnel) copy(ctx context.Context, source, destination string, large bool) (e effort, err error) {
	if err := os.MkdirAll(destination, 0o755); err != nil {
		return e, err
	}
	before, err := s.serverCPU()
	if err != nil {
		return e, err
	}
	arguments := []string{"-aHAXS", "--numeric-ids", "--checksum-choice=xxh128", "--modify-window=-1", "--delete-after"}
	if large {
		arguments = append(arguments, "--inplace")
	}
	_, port, _ := strings.Cut(s.address, ":")
	arguments = append(arguments, source+"/", "rsync://127.0.0.1:"+port+"/bench/"+filepath.Base(destination)+"/")
	client := exec.CommandContext(ctx, s.rsync, arguments...)
	client.Stderr = os.Stderr
	began := time.Now()
	if err := client.Run(); err != nil {
		return e, err
	}
	if err := syncFolder(destination); err != nil {
		return e, err
	}
	e.elapsed = time.Since(began)
	after, err := s.serverCPU()
	e.cpu = client.ProcessState.UserTime() + client.ProcessState.SystemTime() + after - before
	return e, err
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(folder.Fd())), folder.Close())
}

// serverCPU is the processor time of all servers so far, and of their children that ended.
func (s *stunnel) serverCPU() (total time.Duration, err error) {
	const tick = 10 * time.Millisecond // Linux tells it in these on all machines.
	for _, server := range s.servers {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", server.Process.Pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(content), ") ")
		fields := strings.Fields(rest)
		for _, field := range fields[11:15] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * tick
		}
	}
	return total, nil
}
