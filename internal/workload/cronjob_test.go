package workload

import (
	"strings"
	"testing"
)

const runningCronJob = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: backup}, spec: {schedule: '@daily', suspend: false}}"

const suspendedCronJob = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup, annotations: {stork.libopenstorage.org/spec.suspend: "false,true"}}
spec: {schedule: '@daily', suspend: true}`

func TestCronJob(t *testing.T) {
	purposely := strings.Replace(suspendedCronJob, "false,true", "true,true", 1)
	for name, tc := range map[string]roundTrip{
		"is resumed as it was": {before: runningCronJob, suspended: suspendedCronJob},
		"runs where suspend is missing": {
			before: "{apiVersion: batch/v1, kind: CronJob, metadata: {name: backup}, spec: {schedule: '@daily'}}",
			suspended: `
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup, annotations: {stork.libopenstorage.org/spec.suspend: "false,true"}}
spec: {schedule: '@daily', suspend: true}`,
			resumed: runningCronJob,
		},
		"that was suspended on purpose stays so however often it is resumed": {
			before:    strings.Replace(runningCronJob, "suspend: false", "suspend: true", 1),
			suspended: purposely, resumed: purposely,
		},
		"carries on an earlier memo": {before: suspendedCronJob, resumed: runningCronJob},
	} {
		t.Run(name, tc.run)
	}
	migrated := strings.Replace(suspendedCronJob, `spec.suspend: "false,true"`, `migrated: "true"`, 1)
	t.Run("that Stork brought suspended is resumed", func(t *testing.T) {
		expect(t, "Resume", Resume, parse(t, migrated), Registrations{}, strings.Replace(migrated, "suspend: true", "suspend: false", 1))
	})
	t.Run("that Stork brought suspended is not restored", func(t *testing.T) {
		expect(t, "Restore", Restore, parse(t, migrated), Registrations{}, migrated)
	})
	t.Run("that no Migration brought stays suspended", func(t *testing.T) {
		own := strings.Replace(migrated, "migrated: \"true\"", "migrated: \"no\"", 1)
		expect(t, "Resume", Resume, parse(t, own), Registrations{}, own)
	})
	t.Run("that was suspended on purpose stays so although a Migration brought it", func(t *testing.T) {
		obj := strings.Replace(purposely, "{stork", `{stork.libopenstorage.org/migrated: "true", stork`, 1)
		expect(t, "Resume", Resume, parse(t, obj), Registrations{}, obj)
	})
	t.Run("with an unreadable memo gives an error", func(t *testing.T) {
		expectError(t, Resume, strings.Replace(suspendedCronJob, "false,true", "maybe,true", 1), nil,
			`CronJob backup: annotation stork.libopenstorage.org/spec.suspend: the value before the comma must be a boolean, got "maybe"`)
	})
}
