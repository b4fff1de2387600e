// Package conformance checks that a storage driver keeps the promises of package volume. Every driver's tests run it.
//
// A check that a driver lacks the ability for is left out. The checks know no driver: what they need is in a Subject.
package conformance
