package rsync

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/godwit-io/godwit/internal/mover/report"
)

func TestParseProblem(t *testing.T) {
	for line, want := range map[string]Problem{
		`rsync: [sender] send_files failed to open "/vol/a b": Permission denied (13)`:                       {report.Unreadable, "a b", "send_files failed to open: Permission denied"},
		`rsync: [sender] opendir "/vol/d/" failed: Permission denied (13)`:                                   {report.Unreadable, "d/", "opendir  failed: Permission denied"},
		`rsync: [sender] read errors mapping "/vol/f": Input/output error (5)`:                               {report.Unreadable, "f", "read errors mapping: Input/output error"},
		`rsync: [sender] link_stat "/vol/f" failed: No such file or directory (2)`:                           {report.Vanished, "f", "link_stat  failed: No such file or directory"},
		`rsync: link_stat "/vol/f" failed: No such file or directory (2)`:                                    {report.Vanished, "f", "link_stat  failed: No such file or directory"},
		`rsync: [sender] readlink_stat("/vol/f") failed: Permission denied (13)`:                             {report.Unreadable, "f", "readlink_stat() failed: Permission denied"},
		`file has vanished: "/vol/new\#012line"`:                                                             {report.Vanished, "new\nline", "it was gone when it was to be read"},
		`rsync: [sender] file has vanished: "/vol/f"`:                                                        {report.Vanished, "f", "it was gone when it was to be read"},
		`rsync: [receiver] mkstemp "/dst/.f.X1" failed: No space left on device (28)`:                        {report.NoSpace, "/dst/.f.X1", "mkstemp  failed: No space left on device"},
		`rsync: [receiver] write failed on "/vol/f": Disk quota exceeded (122)`:                              {report.NoSpace, "f", "write failed on: Disk quota exceeded"},
		`rsync: [generator] chown "/vol/f" failed: Operation not permitted (1)`:                              {report.Permission, "f", "chown  failed: Operation not permitted"},
		`rsync: [generator] mkdir "/vol/d" failed: Read-only file system (30)`:                               {report.Permission, "d", "mkdir  failed: Read-only file system"},
		`rsync: [receiver] rsync_xal_set: lsetxattr("/vol/f","user.x") failed: Operation not supported (95)`: {report.Unsupported, `f","user.x`, "rsync_xal_set: lsetxattr() failed: Operation not supported"},
		`rsync: [generator] recv_generator: failed to stat "/vol/f": Input/output error (5)`:                 {report.Input, "f", "recv_generator: failed to stat: Input/output error"},
		`rsync: [generator] mknod "/vol/f" failed: No such file or directory (2)`:                            {report.Input, "f", "mknod  failed: No such file or directory"},
		`rsync: [sender] write error: Broken pipe (32)`:                                                      {report.Connection, "", "write error: Broken pipe"},
		`ERROR: sub/f failed verification -- update discarded.`:                                              {report.Changed, "sub/f", "what arrived is not what was read, twice"},
		`cannot delete non-empty directory: d/e`:                                                             {report.Permission, "d/e", "it is in the way and could not be removed"},
		`rsync: [sender] send_files failed to open "/vol/invalid\#377": Permission denied (13)`:              {report.Unreadable, "invalid\xff", "send_files failed to open: Permission denied"},
		`rsync: [sender] send_files failed to open "/vol/quote"d": Permission denied (13)`:                   {report.Unreadable, `quote"d`, "send_files failed to open: Permission denied"},
	} {
		got, found := parseProblem(line, "/vol")
		got.Message = strings.Join(strings.Fields(got.Message), " ")
		want.Message = strings.Join(strings.Fields(want.Message), " ")
		got.Message = strings.ReplaceAll(got.Message, " :", ":")
		if diff := cmp.Diff(want, got); diff != "" || !found {
			t.Errorf("%s: (-want +got)\n%s", line, diff)
		}
	}
	for _, line := range []string{
		"", "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1338) [sender=3.2.7]",
		"IO error encountered -- skipping file deletion", "rsync: connection unexpectedly closed (0 bytes received so far) [sender]",
		"WARNING: f failed verification -- update discarded (will try again).", "what is this",
	} {
		if got, found := parseProblem(line, "/vol"); found {
			t.Errorf("%q became %+v", line, got)
		}
	}
}

func FuzzParseProblem(f *testing.F) {
	f.Add(`rsync: [sender] send_files failed to open "/vol/a": Permission denied (13)`)
	f.Add(`file has vanished: "/vol/new\#012line"`)
	f.Add("rsync: \"\": ( ) (99999999999999999999)")
	f.Fuzz(func(t *testing.T, line string) {
		problem, found := parseProblem(line, "/vol")
		if found && problem.Class == "" {
			t.Errorf("%q has no class", line)
		}
		if len(problem.Path) > len(line) || len(problem.Message) > len(line)+50 {
			t.Errorf("%q grew to %+v", line, problem)
		}
	})
}

func TestCounterAddsUpWhatWasGoneThrough(t *testing.T) {
	for name, test := range map[string]struct {
		output string
		want   Progress
	}{
		"sent, kept, linked, and no files": {
			"<f+++++++++ 100 57\n.f          20 0\nhf+++++++++ 100 0\ncd+++++++++ 4096 0\n.d          4096 0\ncL+++++++++ 8 0\nsome text\n*deleting   x\n",
			Progress{Files: 4, Bytes: 120},
		},
		"in the middle of a file": {
			".f          20 0\n\r         32768   0%    0.00kB/s    0:00:00  \r      50000000  52%  156.66MB/s    0:00:00  ",
			Progress{Files: 1, Bytes: 50_000_020},
		},
		"after a file": {
			"\r      50000000  52%  156.66MB/s    0:00:00  \r      60000000  99%    1.00MB/s    0:00:01 (xfr#1, to-chk=7/8)\n<f+++++++++ 60000000 9\n",
			Progress{Files: 1, Bytes: 60_000_000},
		},
		"nonsense": {"<f+++++++++ -5 0\n<f+++++++++ 99999999999999999999 0\n    -7  50% a b\n<f x y\n", Progress{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &counter{}
			l := &lines{each: c.line}
			for _, piece := range strings.SplitAfter(test.output, " ") {
				_, _ = l.Write([]byte(piece))
			}
			l.flush()
			if got := c.progress(); got != test.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzCounter(f *testing.F) {
	f.Add("<f+++++++++ 100 57\n.f          20 0\n")
	f.Add("\r 60000000 99% 1MB/s 0:00:01 (xfr#1, to-chk=7/8)\n")
	f.Fuzz(func(t *testing.T, output string) {
		c := &counter{}
		last := Progress{}
		l := &lines{each: func(line string) {
			c.line(line)
			now := c.progress()
			if now.Files < last.Files || now.Bytes < 0 {
				t.Errorf("%+v after %+v at %q", now, last, line)
			}
			last = now
		}}
		_, _ = l.Write([]byte(output))
		l.flush()
	})
}

func TestLinesThatAreTooLongAreCut(t *testing.T) {
	var got []string
	l := &lines{each: func(line string) { got = append(got, line) }}
	for range 100 {
		_, _ = l.Write([]byte(strings.Repeat("x", 1000)))
	}
	_, _ = l.Write([]byte("\nshort\n"))
	if len(got) != 2 || len(got[0]) != maxLine || got[1] != "short" {
		t.Errorf("%d lines, the first of %d bytes", len(got), len(got[0]))
	}
}

// ended makes the error of a process with an exit code.
func ended(t *testing.T, code string) error {
	t.Helper()
	return exec.Command("/bin/sh", "-c", "exit "+code).Run()
}

func TestEndsAreExplained(t *testing.T) {
	broken := errors.New("connection reset by peer")
	for name, test := range map[string]struct {
		code    string
		lines   []string
		joining error
		want    report.Class
		partial bool
		told    int
	}{
		"partial, each named":        {"23", []string{`rsync: [sender] opendir "/vol/d" failed: Permission denied (13)`}, nil, report.Input, true, 1},
		"partial, something besides": {"23", []string{`rsync: [sender] opendir "/vol/d" failed: Permission denied (13)`, "what is this"}, nil, report.Input, true, 2},
		"partial, nothing named":     {"23", nil, nil, report.Input, true, 1},
		"vanished":                   {"24", []string{`file has vanished: "/vol/d"`}, nil, report.Vanished, true, 1},
		"no space": {"11", []string{
			`rsync: [receiver] write failed on "/vol/f": No space left on device (28)`,
			"rsync error: error in file IO (code 11) at receiver.c(657) [receiver=3.5.0]", "rsync: [sender] write error: Broken pipe (32)",
		}, broken, report.NoSpace, false, 1},
		"a connection that broke": {"12", []string{"rsync: connection unexpectedly closed (0 bytes received so far) [sender]"}, broken, report.Connection, false, 0},
		"a protocol error":        {"2", []string{"protocol version mismatch -- is your shell clean?"}, nil, report.Protocol, false, 0},
		"an unknown code":         {"99", nil, nil, report.Input, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			c := &complaints{root: "/vol", each: func(Problem) { told++ }}
			for _, line := range test.lines {
				c.line(line)
			}
			var exit *ExitError
			err := c.explain(ended(t, test.code), test.joining, nil)
			if !errors.As(err, &exit) || exit.Class != test.want || exit.Partial() != test.partial || told != test.told || exit.Error() == "" {
				t.Errorf("told %d: %+v", told, err)
			}
		})
	}
	c := &complaints{each: func(Problem) {}}
	if err := c.explain(nil, broken, nil); err != nil {
		t.Errorf("all went well: %v", err)
	}
	if err := c.explain(nil, nil, broken); !errors.Is(err, broken) {
		t.Errorf("the list was cut off: %v", err)
	}
}

func TestCheckVersion(t *testing.T) {
	const features = "\nCapabilities:\n    hardlinks, inplace, ACLs, xattrs\nChecksum list:\n    xxh128 xxh3\n"
	for told, good := range map[string]bool{
		"rsync  version 3.2.7  protocol version 31" + features:                     true,
		"rsync  version v3.5.0  protocol version 32" + features:                    true,
		"rsync  version 10.0.0  protocol version 32" + features:                    true,
		"rsync  version 3.2.6  protocol version 31" + features:                     false,
		"rsync  version 3.2.7  protocol version 31\n xxh128 ACLs":                  false,
		"rsync  version 3.2.7" + strings.Replace(features, " ACLs", " no ACLs", 1): false,
		"openrsync: protocol version 29":                                           false,
	} {
		if version, err := check(told); (err == nil) != good || (version == "") == good {
			t.Errorf("%q: %s, %v", told, version, err)
		}
	}
}

func TestShellCommandKeepsBlanks(t *testing.T) {
	if got, err := shellCommand([]string{"/a b/godwit", "mover", "dial"}); err != nil || got != `"/a b/godwit" "mover" "dial"` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := shellCommand([]string{`/a"b`}); err == nil {
		t.Error("a quote was let through")
	}
}
