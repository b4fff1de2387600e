package rsync

import "bytes"

// maxLine bounds a line of rsync's output, in bytes. A path takes four times its length where all of it is escaped.
const maxLine = 32 << 10

// lines is a writer that hands over what is written line by line. Carriage returns end lines too. Lines that are too long are cut.
type lines struct {
	each func(line string)
	rest []byte
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		end := bytes.IndexAny(p, "\r\n")
		if end < 0 {
			l.keep(p)
			return n, nil
		}
		l.keep(p[:end])
		l.flush()
		p = p[end+1:]
	}
}

func (l *lines) keep(p []byte) { l.rest = append(l.rest, p[:min(len(p), maxLine-len(l.rest))]...) }

// flush hands over what no newline ended.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.each(string(l.rest))
	}
	l.rest = l.rest[:0]
}
