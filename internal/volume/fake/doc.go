// Package fake is a storage driver for tests: it owns what it is told to, copies nothing, and remembers its calls.
package fake
