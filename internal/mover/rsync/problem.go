package rsync

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/godwit-io/godwit/internal/mover/report"
)

// Problem is what one line of rsync's errors says.
type Problem struct {
	Class report.Class
	// Path is as in the file system and relative to the volume; empty where the line names none.
	Path    string
	Message string
}

var (
	// named is a complaint about a file, by either end: what was tried, the file, the reason and its number.
	named = regexp.MustCompile(`^rsync: (?:\[(\w+)\] )?(.*?)"(.*)"(.*?)(?:: ([^:"]*) \((\d+)\))?$`)
	// plain is one without a file.
	plain = regexp.MustCompile(`^rsync: (?:\[(\w+)\] )?(.*?)(?:: ([^:]*) \((\d+)\))?$`)
	// unequal is what arrived otherwise than it was read. The first time, rsync tries again.
	unequal = regexp.MustCompile(`^ERROR: (.*) failed verification -- update (?:discarded|put into partial-dir|retained)\.?$`)
	gone    = regexp.MustCompile(`^(?:rsync: (?:\[\w+\] )?)?(?:file|directory) has vanished: "(.*)"$`)
	occupy  = regexp.MustCompile(`^(?:rsync: )?(?:\[\w+\] )?(?:cannot delete non-empty directory|could not make way for .*): (.*)$`)
	octal   = regexp.MustCompile(`\\#[0-3][0-7]{2}`)
)

// parseProblem reads a line of standard error. root is the folder of the volume as rsync names it, without a slash at its end. Lines
// that sum up, or tell what is no problem, are not one.
func parseProblem(line, root string) (Problem, bool) {
	switch {
	case gone.MatchString(line):
		return Problem{report.Vanished, relative(gone.FindStringSubmatch(line)[1], root), "it was gone when it was to be read"}, true
	case unequal.MatchString(line):
		return Problem{report.Changed, relative(unequal.FindStringSubmatch(line)[1], root), "what arrived is not what was read, twice"}, true
	case occupy.MatchString(line):
		return Problem{report.Permission, relative(occupy.FindStringSubmatch(line)[1], root), "it is in the way and could not be removed"}, true
	}
	if found := named.FindStringSubmatch(line); found != nil {
		problem := Problem{Path: relative(found[3], root), Message: strings.TrimSpace(found[2] + found[4])}
		return problem.because(found[1], found[5], found[6]), true
	}
	if found := plain.FindStringSubmatch(line); found != nil && found[4] != "" {
		problem := Problem{Message: strings.TrimSpace(found[2])}
		return problem.because(found[1], found[3], found[4]), true
	}
	return Problem{}, false
}

// because adds the reason: its text, and the number that the operating system has for it. who is empty in some versions.
func (p Problem) because(who, reason, number string) Problem {
	if reason != "" {
		p.Message += ": " + reason
	}
	errno, _ := strconv.Atoi(number)
	p.Class = classOf(who == "sender" || (who == "" && readsSource(p.Message)), errno)
	return p
}

// readsSource tells by the words whether the end that reads is the one that failed.
func readsSource(message string) bool {
	for _, words := range []string{"send_files", "link_stat", "opendir", "readlink_stat", "readlink", "read errors mapping"} {
		if strings.HasPrefix(message, words) {
			return true
		}
	}
	return false
}

// relative undoes rsync's escapes and makes a path relative to the root.
func relative(path, root string) string {
	path = octal.ReplaceAllStringFunc(path, func(escape string) string {
		n, _ := strconv.ParseUint(escape[2:], 8, 8)
		return string([]byte{byte(n)})
	})
	if rest, inside := strings.CutPrefix(path, root+"/"); inside {
		path = rest
	}
	return strings.TrimPrefix(path, "./")
}
