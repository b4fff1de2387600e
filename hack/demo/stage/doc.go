// Package stage is where demos play: two real control planes with the operator in both, and a terminal on which commands are shown
// with their output.
//
// It must not know what is played.
package stage
