package rsync

// Mode is how the files of one run are written.
type Mode string

// Modes.
const (
	// Replace writes a new file beside the old one and renames it. Hard links between the files of the run are kept.
	Replace Mode = "replace"
	// InPlace writes into what is there. It is far cheaper where little of a large file changed, leaves a torn file when it is cut
	// off, and writes through all names of a file, so that it is only for files that have one name at both ends.
	InPlace Mode = "in-place"
)

// Modes lists all modes.
var Modes = []Mode{Replace, InPlace}

// preserved is what both ends must be told alike, for it decides what goes over the wire: links, hard links, owner, group, devices
// and special files, times, permissions, ACLs, extended attributes, holes. Recursion and relative paths are there for the list of
// names that the client reads.
var preserved = []string{"-lHogDtpAXrRS", "--numeric-ids", "--checksum-choice=xxh128", "--force"}

// capabilities are what a client of rsync 3.2.7 or later tells the server that it can do.
const capabilities = "-e.iLsfxCIvu"

// clientArguments are those of the end that reads. shell is how it reaches the other.
func clientArguments(mode Mode, shell string) []string {
	arguments := append([]string{}, preserved...)
	arguments = append(arguments, "-ii", "--out-format="+lineFormat, "--no-human-readable", "--from0", "--files-from=-", "--rsh="+shell)
	if mode == InPlace {
		arguments = append(arguments, "--inplace", "--info=progress2")
	} else {
		arguments = append(arguments, "--partial")
	}
	return append(arguments, "./", "receiver:/")
}

// serverArguments are those of the end that writes. Nothing of what the other end says becomes one of them.
func serverArguments(mode Mode) []string {
	arguments := append([]string{"--server", capabilities}, preserved...)
	arguments = append(arguments, "--log-format=%i%I")
	if mode == InPlace {
		arguments = append(arguments, "--inplace")
	} else {
		arguments = append(arguments, "--partial")
	}
	return append(arguments, ".", ".")
}
