package rsync

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// folders makes some folders side by side, and returns their paths.
func folders(t *testing.T, names ...string) []string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(root, name)
		must(t, os.Mkdir(paths[i], 0o755))
	}
	return paths
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// serveOnce accepts one connection and serves it.
func serveOnce(t *testing.T, serve func(net.Conn) error) (address string, served <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan error, 1)
	go func() {
		defer listener.Close() //nolint:errcheck // It accepted what it should.
		conn, err := listener.Accept()
		if err == nil {
			err = serve(conn)
			_ = conn.Close()
		}
		done <- err
	}()
	return listener.Addr().String(), done
}

func find(t *testing.T) Binary {
	t.Helper()
	binary, err := Find(t.Context())
	must(t, err)
	return binary
}

func TestServerWritesNowhereButToItsVolume(t *testing.T) {
	if err := Confinable(); err != nil {
		t.Skip(err)
	}
	for name, test := range map[string]struct {
		mode Mode
		// prepare makes the attacker's source and what is in the volume. It returns what is listed, and what of it is sent otherwise.
		prepare func(t *testing.T, source, volume, outside string) (listed, from, to string)
	}{
		"through a symbolic link that an earlier copy brought": {Replace, func(t *testing.T, source, volume, outside string) (_, _, _ string) {
			t.Helper()
			must(t, os.Symlink(outside, filepath.Join(volume, "link")))
			write(t, filepath.Join(source, "link/stolen"), "attack")
			return "link/stolen", "-", "-"
		}},
		"through a symbolic link, in place": {InPlace, func(t *testing.T, source, volume, outside string) (_, _, _ string) {
			t.Helper()
			must(t, os.Symlink(filepath.Join(outside, "victim"), filepath.Join(volume, "link")))
			write(t, filepath.Join(source, "link"), "attack")
			return "link", "-", "-"
		}},
		"by a path that goes up": {Replace, func(t *testing.T, source, _, _ string) (_, _, _ string) {
			t.Helper()
			write(t, filepath.Join(source, "xx-outside/stolen"), "attack")
			return "xx-outside/stolen", "xx-outside", "../outside"
		}},
		"by an absolute path": {Replace, func(t *testing.T, source, _, outside string) (_, _, _ string) {
			t.Helper()
			path := outside + "/stolen"
			name := strings.Repeat("x", len(path))
			write(t, filepath.Join(source, name), "attack")
			return name, name, path
		}},
		"by a symbolic link that turns into a folder on the way": {Replace, func(t *testing.T, source, _, outside string) (_, _, _ string) {
			t.Helper()
			must(t, os.Symlink(outside, filepath.Join(source, "aaaa")))
			write(t, filepath.Join(source, "bbbb/stolen"), "attack")
			return "aaaa\x00bbbb/stolen", "bbbb", "aaaa"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			all := folders(t, "source", "volume", "outside")
			write(t, filepath.Join(all[2], "victim"), "harmless")
			listed, from, to := test.prepare(t, all[0], all[1], all[2])
			binary := find(t)
			address, served := serveOnce(t, func(conn net.Conn) error {
				return Destination{Binary: binary, Volume: all[1]}.Serve(t.Context(), conn, test.mode)
			})
			self, err := os.Executable()
			must(t, err)
			shell, err := shellCommand([]string{self, attacker, address, from, to})
			must(t, err)
			cmd := exec.Command(binary.Path, clientArguments(test.mode, shell)...)
			cmd.Dir, cmd.Stdin = all[0], strings.NewReader(listed+"\x00")
			output, _ := cmd.CombinedOutput()
			t.Logf("the server: %v; the attacker:\n%s", <-served, output)
			if _, err := os.Lstat(filepath.Join(all[2], "stolen")); err == nil {
				t.Error("it wrote outside the volume")
			}
			if content, err := os.ReadFile(filepath.Join(all[2], "victim")); err != nil || string(content) != "harmless" {
				t.Errorf("it changed a file outside the volume: %q, %v", content, err)
			}
		})
	}
}

func TestClientSurvivesAHostileServer(t *testing.T) {
	for name, serve := range map[string]func(net.Conn) error{
		"hangs up": func(net.Conn) error { return nil },
		"sends noise": func(conn net.Conn) error {
			go io.Copy(io.Discard, conn) //nolint:errcheck // It ends with the connection.
			_, err := io.CopyN(conn, rand.Reader, 1<<20)
			return err
		},
		"sends zeros without end": func(conn net.Conn) error {
			go io.Copy(io.Discard, conn) //nolint:errcheck // It ends with the connection.
			for {
				if _, err := conn.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
			}
		},
		"sends endless complaints": func(conn net.Conn) error {
			go io.Copy(io.Discard, conn) //nolint:errcheck // It ends with the connection.
			// The version, no flags, a seed; then messages of errors.
			message := append([]byte{0, 0x70, 0, 7 + 3}, bytes.Repeat([]byte("rsync: [receiver] mkstemp \"/x\" failed: No space left on device (28)\n"), 500)[:0x7000]...)
			_, _ = conn.Write([]byte{31, 0, 0, 0, 0, 1, 2, 3, 4})
			for range 1000 {
				if _, err := conn.Write(message); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := folders(t, "source")
			write(t, filepath.Join(all[0], "file"), "content")
			address, served := serveOnce(t, serve)
			conn, err := net.Dial("tcp", address)
			must(t, err)
			self, err := os.Executable()
			must(t, err)
			source := Source{Binary: find(t), Volume: all[0], Shell: []string{self, honest}, Problem: func(Problem) {}}
			err = source.Send(t.Context(), conn, Replace, func(w io.Writer) error {
				_, err := io.WriteString(w, "file\x00")
				return err
			}, func(Progress) {})
			<-served //nolint:errcheck // Only that it has ended matters.
			var exit *ExitError
			if !errors.As(err, &exit) || exit.Partial() {
				t.Errorf("got %v", err)
			}
			if entries, err := os.ReadDir(all[0]); err != nil || len(entries) != 1 {
				t.Errorf("the source has %v, %v", entries, err)
			}
		})
	}
}

func TestChildrenReachTheirVolumeOnly(t *testing.T) {
	if err := Confinable(); err != nil {
		t.Skip(err)
	}
	const script = `cat ../outside/secret; echo x > ../outside/written; echo x > written; cat content; ln content linked; mkdir d && ln content d/linked`
	for name, test := range map[string]struct {
		write bool
		made  []string
	}{
		"that is only read": {false, nil},
		"that is written":   {true, []string{"written", "linked", "d/linked"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := folders(t, "volume", "outside")
			write(t, filepath.Join(all[1], "secret"), "secret")
			write(t, filepath.Join(all[0], "content"), "content")
			var out bytes.Buffer
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
			cmd.Dir, cmd.Stdout = all[0], &out
			_ = run(t.Context(), cmd, confinement{volume: all[0], write: test.write}, nil)
			if out.String() != "content" {
				t.Errorf("it read %q", out.String())
			}
			if _, err := os.Lstat(filepath.Join(all[1], "written")); err == nil {
				t.Error("it wrote outside")
			}
			for _, path := range []string{"written", "linked", "d/linked"} {
				if _, err := os.Lstat(filepath.Join(all[0], path)); (err == nil) != (len(test.made) > 0) {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "trap '' TERM; while :; do sleep 60; done")
	if err := run(ctx, cmd, confinement{volume: t.TempDir()}, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFindTellsOfAMissingRsync(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context()); !errors.Is(err, ErrUnusable) {
		t.Errorf("got %v", err)
	}
	script := filepath.Join(os.Getenv("PATH"), "rsync")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\necho openrsync\n"), 0o755))
	if _, err := Find(t.Context()); !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "does not tell its version") {
		t.Errorf("got %v", err)
	}
}
