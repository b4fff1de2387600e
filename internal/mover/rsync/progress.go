package rsync

import (
	"strconv"
	"strings"
)

// lineFormat has the client print a line for each entry when it is done with it (%b makes it wait for that): what was done, and the
// size. Entries that were equal have one too.
const lineFormat = "%i %l %b"

// itemWidth is the width of what %i prints.
const itemWidth = 11

// Progress is what one run of rsync has gone through.
type Progress struct {
	// Files counts entries that are no folders.
	Files int64
	// Bytes is the size of regular files, those sent only in part included.
	Bytes int64
}

// counter reads the standard output of a client.
type counter struct {
	files, kept, moved int64
	// running is the size of what was moved so far, the current file included; known only with --info=progress2.
	running int64
}

// line reads one line, or one of the shorter ones that overwrite each other.
func (c *counter) line(text string) {
	if len(text) > itemWidth && text[itemWidth] == ' ' && text[0] != ' ' {
		if size, found := number(text[itemWidth:]); found {
			c.item(text[:itemWidth], size)
		}
		return
	}
	if _, rest, found := strings.Cut(strings.TrimLeft(text, " "), " "); found && strings.HasPrefix(text, " ") && strings.Contains(rest, "%") {
		if n, found := number(text); found {
			c.running = max(c.running, n)
		}
	}
}

// number reads the first word of a text, if it is a size.
func number(text string) (int64, bool) {
	word, _, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
	n, err := strconv.ParseInt(word, 10, 64)
	return n, err == nil && n >= 0
}

// item counts an entry. what is as rsync itemizes changes: how it was updated, then its type, then what, or blanks.
func (c *counter) item(what string, size int64) {
	if what[1] == 'd' || !strings.ContainsRune("<>ch.", rune(what[0])) {
		return
	}
	c.files++
	if what[1] != 'f' {
		return
	}
	switch what[0] {
	case '<', '>':
		c.moved += size
	case '.', 'c':
		c.kept += size
	}
}

func (c *counter) progress() Progress {
	return Progress{Files: c.files, Bytes: c.kept + max(c.moved, c.running)}
}
