package rsync

import (
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"sync"
)

// summary are lines of standard error that repeat what others say, or announce that rsync tries again.
var summary = regexp.MustCompile(`^(?:rsync (?:error|warning): |IO error encountered|WARNING: |\s*$)`)

// chunk is how much is passed on at once, in bytes.
const chunk = 128 << 10

// join passes on what rsync writes to the connection, and what comes from there to rsync, until both have ended. Where one direction
// fails, the other does too, so that rsync ends. It closes toRsync. The error is about the connection only: what else fails is for
// rsync to explain.
func join(conn net.Conn, fromRsync io.Reader, toRsync io.WriteCloser) error {
	var outward error
	var both sync.WaitGroup
	both.Go(func() {
		if _, outward = pass(conn, fromRsync); outward == nil {
			outward = closeWrite(conn)
		}
		if outward != nil {
			_ = conn.Close()
		}
	})
	inward, _ := pass(toRsync, conn)
	_ = closeWrite(toRsync) // Of a socket, fromRsync is another descriptor.
	_ = toRsync.Close()
	both.Wait()
	return errors.Join(broken(outward), broken(inward))
}

// broken drops errors by which this end itself ended a stream.
func broken(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// pass copies until the end, and tells apart which side failed.
func pass(w io.Writer, r io.Reader) (reading, writing error) {
	buffer := make([]byte, chunk)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return nil, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return err, nil
		}
	}
}

// closeWrite tells the other end of a stream that there is no more, where that can be told.
func closeWrite(stream any) error {
	if half, ok := stream.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
