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

// Modes of folders alone.
const (
	// Folders copies attributes of the folders that are listed, and nothing in them.
	Folders Mode = "folders"
	// Top copies attributes of the folder at the volume's root, listed as ".".
	Top Mode = "top"
)

// Modes lists all modes.
var Modes = []Mode{Replace, InPlace, Folders, Top}

// capabilities are what a client of rsync 3.2.7 or later tells the server that it can do.
const capabilities = "-e.iLsfxCIvu"

// shared are what both ends must be told alike, for it decides what goes over the wire: links, hard links, owner, group, devices and
// special files, times, permissions, ACLs, extended attributes, holes. Relative paths are there for the list of names that the client
// reads. Times are compared to the nanosecond: by default rsync takes two files of one size and one second for equal.
func (m Mode) shared() []string {
	arguments := []string{"-lHogDtpAXRS", "--numeric-ids", "--checksum-choice=xxh128", "--modify-window=-1", "--force"}
	switch m {
	case InPlace:
		return append(arguments, "-r", "--inplace")
	case Folders, Top:
		return append(arguments, "-d")
	}
	return append(arguments, "-r", "--partial")
}

// clientArguments are those of the end that reads. shell is how it reaches the other.
func clientArguments(mode Mode, shell string) []string {
	arguments := append(mode.shared(), "-ii", "--out-format="+lineFormat, "--no-human-readable", "--from0", "--files-from=-", "--rsh="+shell)
	switch mode {
	case InPlace:
		arguments = append(arguments, "--info=progress2")
	case Top:
		arguments = append(arguments, "--exclude=*")
	}
	return append(arguments, "./", "receiver:/")
}

// serverArguments are those of the end that writes. Nothing of what the other end says becomes one of them.
func serverArguments(mode Mode) []string {
	arguments := append([]string{"--server", capabilities}, mode.shared()...)
	return append(arguments, "--log-format=%i%I", ".", ".")
}
