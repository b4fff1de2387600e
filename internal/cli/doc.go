// Package cli holds storkctl's commands, one file a noun.
//
// Commands read and write objects of the API group and print; what a migration does is the operator's, and no command may do
// it in the operator's place.
package cli
