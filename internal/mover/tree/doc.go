// Package tree reads the folders of a volume: many at once, in memory that does not grow with them, and never through a symbolic link.
//
// It must not know what is looked for, nor anything of connections.
package tree
