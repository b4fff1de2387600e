package rsync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// socketFD is where the program that rsync starts as its remote shell finds the socket to its mover: rsync hands down what it
// inherited.
const socketFD = 3

// HandOver is all that the remote shell does: it sends its standard input and output to the mover that started rsync, which joins
// them to the connection that it has. So there is one process that knows keys, counts bytes and bounds their rate.
func HandOver() error {
	file := os.NewFile(socketFD, "mover")
	conn, err := net.FileConn(file)
	if err != nil {
		return fmt.Errorf("this command is run by rsync, which a mover started: %w", err)
	}
	defer conn.Close() //nolint:errcheck // What was sent has been sent.
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("this command is run by rsync, which a mover started")
	}
	_, _, err = socket.WriteMsgUnix([]byte{0}, unix.UnixRights(int(os.Stdin.Fd()), int(os.Stdout.Fd())), nil)
	return err
}

// shellSocket makes the two ends of the socket: ours, and the file that becomes socketFD.
func shellSocket() (ours *net.UnixConn, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(pair[0]), "shell")
	defer file.Close() //nolint:errcheck // The connection has its own.
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, nil, errors.Join(err, unix.Close(pair[1]))
	}
	return conn.(*net.UnixConn), os.NewFile(uintptr(pair[1]), "shell"), nil
}

// receiveStreams waits for what HandOver sends: what rsync writes to the other end, and what it reads from it.
func receiveStreams(ctx context.Context, socket *net.UnixConn) (fromRsync, toRsync net.Conn, err error) {
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	oob := make([]byte, unix.CmsgSpace(2*4))
	n, oobn, _, _, err := socket.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil || n == 0 {
		return nil, nil, fmt.Errorf("rsync ended before it started its remote shell: %w", errors.Join(err, ctx.Err()))
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, nil, fmt.Errorf("the remote shell of rsync handed over no streams: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		return nil, nil, fmt.Errorf("the remote shell of rsync handed over no streams: %w", err)
	}
	fromRsync, first := connOf(fds[0])
	toRsync, second := connOf(fds[1])
	return fromRsync, toRsync, errors.Join(first, second)
}

// connOf takes over a descriptor of a socket.
func connOf(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "stream")
	defer file.Close() //nolint:errcheck // The connection has its own.
	return net.FileConn(file)
}

// shellCommand writes a command as rsync splits it: at blanks, with quotes.
func shellCommand(words []string) (string, error) {
	quoted := make([]string, len(words))
	for i, word := range words {
		if strings.ContainsRune(word, '"') {
			return "", fmt.Errorf("the path %s has a quote, which rsync cannot be told", word)
		}
		quoted[i] = `"` + word + `"`
	}
	return strings.Join(quoted, " "), nil
}
