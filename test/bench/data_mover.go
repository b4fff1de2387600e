package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/godwit-io/godwit/hack/debian/programs"
	"github.com/godwit-io/godwit/internal/mover/keys"
)

// Names in the certificates of both ends.
const (
	senderName   = "sender.bench"
	receiverName = "receiver.bench"
)

// movers copies with `godwit mover send` and `receive`.
type movers struct {
	work string
	path string // Of the environment.
}

func newMovers(ctx context.Context, work string) (*movers, error) {
	rsync, err := programs.Find(ctx, "rsync", os.Stderr)
	if err != nil {
		return nil, err
	}
	sender, receiver, err := mint()
	if err != nil {
		return nil, err
	}
	for name, identity := range map[string]keys.Identity{"sender": sender, "receiver": receiver} {
		if err := identity.Write(filepath.Join(work, name)); err != nil {
			return nil, err
		}
	}
	return &movers{work: work, path: "PATH=" + filepath.Dir(rsync) + ":" + os.Getenv("PATH")}, nil
}

func mint() (sender, receiver keys.Identity, err error) {
	return keys.Mint(time.Now(), 24*time.Hour, senderName, receiverName)
}

func (m *movers) copy(ctx context.Context, source, destination string, _ bool) (e effort, err error) {
	if err := os.MkdirAll(destination, 0o755); err != nil {
		return e, err
	}
	address, err := freeAddress()
	if err != nil {
		return e, err
	}
	began := time.Now()
	receiver := m.command(ctx, "receive", "--listen", address, "--volume", destination, "--identity", filepath.Join(m.work, "receiver"), "--peer", senderName)
	sender := m.command(ctx, "send", "--connect", address, "--volume", source, "--identity", filepath.Join(m.work, "sender"), "--peer", receiverName)
	if err := receiver.Start(); err != nil {
		return e, err
	}
	if err := awaitPort(ctx, address); err != nil {
		return e, errors.Join(err, receiver.Wait())
	}
	if err := sender.Start(); err != nil {
		return e, errors.Join(err, receiver.Process.Kill(), receiver.Wait())
	}
	memory := watchMemory(ctx, sender.Process.Pid, receiver.Process.Pid)
	err = errors.Join(sender.Wait(), receiver.Wait())
	e = effort{elapsed: time.Since(began), memory: memory()}
	e.cpu = sender.ProcessState.UserTime() + sender.ProcessState.SystemTime() + receiver.ProcessState.UserTime() + receiver.ProcessState.SystemTime()
	return e, err
}

func (m *movers) command(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bin/godwit", append([]string{"mover"}, arguments...)...)
	cmd.Args = append(cmd.Args, "--termination-log", filepath.Join(m.work, arguments[0]+".report"))
	cmd.Env = append(os.Environ(), m.path)
	cmd.Stderr = os.Stderr
	return cmd
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// awaitPort waits until something listens.
func awaitPort(ctx context.Context, address string) error {
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", address, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// watchMemory looks at each of some processes, with all that they started, until the function that it returns is called. That tells
// the greatest sum of what one of them held, in MiB: what they share counts in parts.
func watchMemory(ctx context.Context, pids ...int) func() float64 {
	ctx, cancel := context.WithCancel(ctx)
	peak := make(chan float64)
	go func() {
		most := 0.0
		for ctx.Err() == nil {
			for _, pid := range pids {
				most = max(most, familyMemory(pid))
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
		peak <- most
	}()
	return func() float64 {
		cancel()
		return <-peak
	}
}

// familyMemory adds up the proportional sizes of a process and its descendants, in MiB. Those that are gone count as nothing.
func familyMemory(pid int) float64 {
	total := 0.0
	if file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		scanner := bufio.NewScanner(file)
		for scanner.Scan() {
			var kib float64
			if n, _ := fmt.Sscanf(scanner.Text(), "Pss: %f kB", &kib); n == 1 {
				total = kib / 1024
			}
		}
		_ = file.Close()
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		content, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for len(content) > 0 {
			var child int
			if n, _ := fmt.Sscanf(string(content), "%d", &child); n != 1 {
				break
			}
			total += familyMemory(child)
			content = content[min(len(content), len(fmt.Sprint(child))+1):]
		}
	}
	return total
}
