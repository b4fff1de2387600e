// Package cli holds storkctl's commands, one file a noun, and what only one of them does in files of its own.
//
// Commands read and write objects of the API group and print; what a migration does is the operator's, and no command may do
// it in the operator's place. What a preview shows is read by package inventory, as the operator reads it. The one exception is
// activation, which users run where there may be no operator: it starts and stops workloads, and package workload knows how.
package cli
