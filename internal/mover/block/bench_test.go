package block

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// benchSize is what is copied. All figures are ratios to io.Copy of the same bytes over one connection, with fsync at the end, in the
// same run.
const benchSize = 256 << 20

// BenchmarkTransfer compares block sizes and numbers of streams.
func BenchmarkTransfer(b *testing.B) {
	for _, block := range []int{4 << 10, 16 << 10, 64 << 10} {
		for _, streams := range []int{1, 2, 4, 8} {
			name := fmt.Sprintf("%dKiB/%dstreams", block>>10, streams)
			bench := bench{Options: Options{BlockSize: block, Streams: streams}, contents: noise, dial: net.Dial}
			b.Run("first/"+name, func(b *testing.B) { bench.run(b, emptied) })
			b.Run("unchanged/"+name, func(b *testing.B) { bench.run(b, func(*os.File, *os.File) {}) })
			b.Run("scattered/"+name, func(b *testing.B) { bench.run(b, scatter) })
		}
	}
}

// BenchmarkGigabit copies over a link of 1 Gbit/s, where contents pack well and where they do not.
func BenchmarkGigabit(b *testing.B) {
	b.Run("text without limit", func(b *testing.B) { (&bench{contents: text, dial: net.Dial}).run(b, emptied) })
	b.Run("text", func(b *testing.B) { (&bench{contents: text, dial: gigabit()}).run(b, emptied) })
	b.Run("noise", func(b *testing.B) { (&bench{contents: noise, dial: gigabit()}).run(b, emptied) })
}

func noise() []byte {
	data := make([]byte, benchSize)
	fill(data, 1)
	return data
}

// text is the source of Go, over and over.
func text() []byte {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	must(err)
	tree := os.DirFS(strings.TrimSpace(string(root)))
	var data []byte
	must(fs.WalkDir(tree, "src", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || len(data) >= benchSize {
			return err
		}
		contents, err := fs.ReadFile(tree, path)
		data = append(data, contents...)
		return err
	}))
	for len(data) < benchSize {
		data = append(data, data...)
	}
	return data[:benchSize]
}

// gigabit dials connections whose writes share 125 MB/s.
func gigabit() func(network, address string) (net.Conn, error) {
	link := &link{free: time.Now()}
	return func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		return &limited{Conn: conn, link: link}, err
	}
}

type link struct {
	mu   sync.Mutex
	free time.Time // when what was written before has passed
}

// pass waits until n bytes more have.
func (l *link) pass(n int) {
	l.mu.Lock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(n) * time.Second / 125_000_000)
	wait := l.free.Sub(now)
	l.mu.Unlock()
	time.Sleep(wait) //nolint:forbidigo // this is what a slow link is
}

type limited struct {
	net.Conn
	link *link
}

func (l *limited) Write(p []byte) (n int, err error) {
	for part := range slices.Chunk(p, 64<<10) {
		l.link.pass(len(part))
		m, err := l.Conn.Write(part)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
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

type bench struct {
	Options
	contents func() []byte
	dial     func(network, address string) (net.Conn, error)
}

func (c *bench) run(b *testing.B, prepare func(from, to *os.File)) {
	b.Helper()
	from, to := c.files(b)
	c.transfer(from, to)
	var ours, plain cost
	var sent int64
	for b.Loop() {
		plain.add(func() { c.plain(from, to) })
		prepare(from, to)
		ours.add(func() { sent += c.transfer(from, to).BytesSent })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.wall)/float64(plain.wall), "xwall")
	b.ReportMetric(float64(ours.cpu)/float64(plain.cpu), "xcpu")
	b.ReportMetric(float64(ours.wall.Milliseconds())/float64(b.N), "ms")
	b.ReportMetric(float64(ours.cpu.Milliseconds())/float64(b.N), "cpu-ms")
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

func (c *bench) files(b *testing.B) (from, to *os.File) {
	b.Helper()
	dir := b.TempDir()
	must(os.WriteFile(filepath.Join(dir, "from"), c.contents(), 0o600))
	from, err := os.OpenFile(filepath.Join(dir, "from"), os.O_RDWR, 0)
	must(err)
	to, err = os.OpenFile(filepath.Join(dir, "to"), os.O_RDWR|os.O_CREATE, 0o600)
	must(err)
	must(to.Truncate(benchSize))
	b.Cleanup(func() { must(from.Close()); must(to.Close()) })
	return from, to
}

func (c *bench) transfer(from, to *os.File) Result {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	d, err := NewDestination(to, 0)
	must(err)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { must(Receive(context.Background(), conn, d)) })
		}
	})
	source, err := OpenSource(from)
	must(err)
	result, err := Send(context.Background(), func(context.Context) (net.Conn, error) { return c.dial("tcp", listener.Addr().String()) }, source, c.Options)
	must(err)
	must(listener.Close())
	served.Wait()
	return result
}

func (c *bench) plain(from, to *os.File) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	var sent sync.WaitGroup
	sent.Go(func() {
		conn, err := c.dial("tcp", listener.Addr().String())
		must(err)
		must(io.Copy(conn, io.NewSectionReader(from, 0, benchSize)))
		must(conn.Close())
	})
	conn, err := listener.Accept()
	must(err)
	must(io.Copy(io.NewOffsetWriter(to, 0), conn))
	must(to.Sync())
	must(conn.Close(), listener.Close())
	sent.Wait()
}
