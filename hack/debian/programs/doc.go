// Package programs finds programs that tests and benchmarks run: those of the system where they are recent enough, else those of
// Debian's packages, unpacked into the user's cache without root.
//
// It must not know who needs them or what for.
package programs
