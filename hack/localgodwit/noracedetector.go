//go:build !race

package localgodwit

// raceFlags build programs as this one was built.
var raceFlags []string
