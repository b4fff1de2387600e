package v1alpha1

import "fmt"

const (
	// progressNotApplicable is shown for what a Migration does not include.
	progressNotApplicable = "N/A"
	// ElapsedNotApplicable is the elapsed time of a part that a Migration does not include.
	ElapsedNotApplicable = "NA"
)

// TableProgress sums the Migration up in the words of storkctl's table, which kubectl shows too. It works on objects that
// Stork wrote as well, which have no status.progress.
func (m *Migration) TableProgress() MigrationProgress {
	summary := m.Status.Summary
	if summary == nil {
		summary = m.countSummary()
	}
	progress := MigrationProgress{
		Volumes:   progressNotApplicable,
		Resources: progressNotApplicable,
		Elapsed: fmt.Sprintf("Volumes (%s) Resources (%s)",
			elapsedOrNA(summary.ElapsedTimeForVolumeMigration), elapsedOrNA(summary.ElapsedTimeForResourceMigration)),
	}
	if included(m.Spec.IncludeVolumes) {
		progress.Volumes = fmt.Sprintf("%d/%d", summary.NumberOfMigratedVolumes, summary.TotalNumberOfVolumes)
	}
	if included(m.Spec.IncludeResources) {
		progress.Resources = fmt.Sprintf("%d/%d", summary.NumberOfMigratedResources, summary.TotalNumberOfResources)
	}
	return progress
}

// countSummary counts the results of an object without a summary, as Stork before 2.9 wrote it.
func (m *Migration) countSummary() *MigrationSummary {
	summary := &MigrationSummary{
		TotalNumberOfVolumes:   uint64(len(m.Status.Volumes)),
		TotalNumberOfResources: uint64(len(m.Status.Resources)),
	}
	for _, volume := range m.Status.Volumes {
		if volume != nil && volume.Status == MigrationStatusSuccessful {
			summary.NumberOfMigratedVolumes++
		}
	}
	for _, resource := range m.Status.Resources {
		if resource != nil && resource.Status == MigrationStatusSuccessful {
			summary.NumberOfMigratedResources++
		}
	}
	return summary
}

func included(field *bool) bool { return field == nil || *field }

func elapsedOrNA(elapsed string) string {
	if elapsed == "" {
		return ElapsedNotApplicable
	}
	return elapsed
}
