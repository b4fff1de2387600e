// Package migrationschedule makes Migrations by policy, and keeps a copy of each MigrationSchedule at the destination, where a
// failover finds it.
//
// It must not know what a Migration does: it makes one, watches its status, and deletes it when it is old.
package migrationschedule
