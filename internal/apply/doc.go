// Package apply brings objects to the destination: in waves, each object compared with what is there, written only where it
// differs, and reported one by one.
//
// It must know nothing of where the objects come from, of Migrations or of how they were changed on the way: it is handed a
// Plan and hands back a Report.
package apply
