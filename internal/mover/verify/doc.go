// Package verify compares two trees entry by entry, contents included, over a connection: both ends go through theirs in the same
// order, one of them sends what it finds, and the other compares. Neither keeps more than a part of it in memory.
//
// It must not know how the trees came to be alike, nor how the connection.
package verify
