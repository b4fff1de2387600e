package block

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const benchSize = 256 << 20

// BenchmarkTransfer gives times as ratios to io.Copy of the same bytes over one connection, with fsync at the end, in the same run.
func BenchmarkTransfer(b *testing.B) {
	for _, block := range []int{4 << 10, 16 << 10, 64 << 10} {
		for _, streams := range []int{1, 2, 4, 8} {
			name := fmt.Sprintf("%dKiB/%dstreams", block>>10, streams)
			b.Run("first/"+name, func(b *testing.B) { benchmark(b, block, streams, emptied) })
			b.Run("unchanged/"+name, func(b *testing.B) { benchmark(b, block, streams, func(*os.File, *os.File) {}) })
			b.Run("scattered/"+name, func(b *testing.B) { benchmark(b, block, streams, scatter) })
		}
	}
}

func emptied(_, to *os.File) {
	must(to.Truncate(0))
	must(to.Truncate(benchSize))
	must(to.Sync())
}

// scatter changes 1 % of the source, in blocks of 4 KiB.
func scatter(from, _ *os.File) {
	page := make([]byte, 4<<10)
	for range benchSize / len(page) / 100 {
		fill(page, rand.Uint64())
		must(from.WriteAt(page, rand.Int64N(benchSize/int64(len(page)))*int64(len(page))))
	}
	must(from.Sync())
}

func must(values ...any) {
	if err, ok := values[len(values)-1].(error); ok {
		panic(err)
	}
}

func fill(p []byte, seed uint64) {
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(seed >> 32)})
	_, _ = random.Read(p)
}

func benchmark(b *testing.B, block, streams int, prepare func(from, to *os.File)) {
	b.Helper()
	from, to := benchFiles(b)
	options := Options{BlockSize: block, Streams: streams}
	benchTransfer(b, from, to, options)
	var ours, plain cost
	var sent int64
	for b.Loop() {
		plain.add(func() { benchCopy(b, from, to) })
		prepare(from, to)
		ours.add(func() { sent += benchTransfer(b, from, to, options).BytesSent })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.wall)/float64(plain.wall), "xwall")
	b.ReportMetric(float64(ours.cpu)/float64(plain.cpu), "xcpu")
	b.ReportMetric(float64(ours.wall.Milliseconds())/float64(b.N), "ms")
	b.ReportMetric(float64(sent)/float64(b.N)/benchSize*100, "%sent")
}

// cost is what runs took, of the clock and of processors.
type cost struct{ wall, cpu time.Duration }

func (c *cost) add(run func()) {
	cpu, start := processors(), time.Now()
	run()
	c.wall += time.Since(start)
	c.cpu += processors() - cpu
}

func processors() time.Duration {
	var usage unix.Rusage
	must(unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func benchFiles(b *testing.B) (from, to *os.File) {
	b.Helper()
	dir := b.TempDir()
	data := make([]byte, benchSize)
	fill(data, 1)
	must(os.WriteFile(filepath.Join(dir, "from"), data, 0o600))
	from, err := os.OpenFile(filepath.Join(dir, "from"), os.O_RDWR, 0)
	must(err)
	to, err = os.OpenFile(filepath.Join(dir, "to"), os.O_RDWR|os.O_CREATE, 0o600)
	must(err)
	must(to.Truncate(benchSize))
	b.Cleanup(func() { must(from.Close()); must(to.Close()) })
	return from, to
}

func benchTransfer(b *testing.B, from, to *os.File, options Options) Result {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer func() { _ = listener.Close() }()
	d, err := NewDestination(to, 0)
	must(err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { must(Receive(context.Background(), conn, d)) }()
		}
	}()
	source, err := OpenSource(from)
	must(err)
	result, err := Send(context.Background(), func(context.Context) (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }, source, options)
	must(err)
	must(listener.Close())
	<-served
	return result
}

func benchCopy(b *testing.B, from, to *os.File) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := net.Dial("tcp", listener.Addr().String())
		must(err)
		defer func() { _ = conn.Close() }()
		must(io.Copy(conn, io.NewSectionReader(from, 0, benchSize)))
	}()
	conn, err := listener.Accept()
	must(err)
	defer func() { _ = conn.Close() }()
	must(io.Copy(io.NewOffsetWriter(to, 0), conn))
	must(to.Sync())
}
