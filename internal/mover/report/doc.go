// Package report is how a mover tells what it does: lines of JSON on its standard output while it works, and the last of them as the
// termination message of its container. Whoever starts movers reads both with Parse.
//
// It must not know how data is moved.
package report
