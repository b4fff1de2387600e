package rsync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/godwit-io/godwit/hack/debian/programs"
	"github.com/godwit-io/godwit/test/leak"
)

// Arguments by which rsync starts this test binary as its remote shell: as movers do, or for an attacker, who joins it to an address
// and replaces some bytes on the way by others.
const (
	honest   = "mover-dial"
	attacker = "attacker-dial"
)

// TestMain fails when a goroutine outlives the tests. It puts an rsync into PATH.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case honest:
			exit(HandOver())
		case attacker:
			exit(attack(os.Args[2], os.Args[3], os.Args[4]))
		}
	}
	path, err := programs.Find(context.Background(), "rsync", os.Stderr)
	if err != nil {
		exit(err)
	}
	if err := os.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH")); err != nil {
		exit(err)
	}
	leak.Main(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func attack(address, from, to string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(os.Stdout, conn)
		os.Exit(0) // Standard input is the same socket, which would stay open.
	}()
	buffer := make([]byte, 1<<20)
	for {
		n, err := os.Stdin.Read(buffer)
		if n > 0 {
			if _, err := conn.Write(bytes.ReplaceAll(buffer[:n], []byte(from), []byte(to))); err != nil {
				return err
			}
		}
		if err != nil {
			return conn.(*net.TCPConn).CloseWrite()
		}
	}
}
