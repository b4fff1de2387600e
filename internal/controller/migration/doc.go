// Package migration reconciles Migrations.
//
// The reconciler is thin: it decides whether a Migration can run, waits, has failed or is done, and starts or cancels its run. A
// run (run.go) goes through the stages one after the other and is the only writer of the status while it lasts. The data's way
// is in flow.go: inventory at the source, the transform pipeline, apply at the destination, the report.
//
// The package must not know how any of these work, which storage driver moves a volume, or what a schedule is.
package migration
