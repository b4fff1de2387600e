// Package prune deletes at the destination of a copy what is gone at its source. The destination asks, folder by folder, which of the
// names that it has the source has not, so that nothing goes but what the source looked for in vain.
//
// It must not know how the copy is made, nor how the connection.
package prune
