//go:build race

package fault_test

var raceFlags = []string{"-race"}
