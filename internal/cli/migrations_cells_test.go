package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func TestMigrationTable(t *testing.T) {
	finished := metav1.NewTime(now.Add(5 * time.Minute))
	tests := map[string]struct {
		spec   storkv1alpha1.MigrationSpec
		status storkv1alpha1.MigrationStatus
		want   string
	}{
		"counts a summary": {
			status: storkv1alpha1.MigrationStatus{Stage: "Final", Status: "Successful", FinishTimestamp: &finished, Summary: &storkv1alpha1.MigrationSummary{
				TotalNumberOfVolumes: 5, NumberOfMigratedVolumes: 5, TotalNumberOfResources: 6, NumberOfMigratedResources: 6,
				TotalBytesMigrated: 12345, ElapsedTimeForVolumeMigration: "5m0s", ElapsedTimeForResourceMigration: "1m0s",
			}},
			want: lines(
				"NAME                     CLUSTERPAIR    STAGE   STATUS       VOLUMES   RESOURCES   CREATED               ELAPSED                           TOTAL BYTES TRANSFERRED",
				"getmigrationstatustest   clusterpair1   Final   Successful   5/5       6/6         24 Oct 24 10:00 UTC   Volumes (5m0s) Resources (1m0s)   12345"),
		},
		"prints NA for the time of what there was nothing of": {
			status: storkv1alpha1.MigrationStatus{Summary: &storkv1alpha1.MigrationSummary{ElapsedTimeForResourceMigration: "NA"}},
			want: lines(
				"NAME                     CLUSTERPAIR    STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED                       TOTAL BYTES TRANSFERRED",
				"getmigrationstatustest   clusterpair1                    0/0       0/0         24 Oct 24 10:00 UTC   Volumes (NA) Resources (NA)   0"),
		},
		"prints N/A for what is not migrated": {
			spec: storkv1alpha1.MigrationSpec{IncludeVolumes: new(false), IncludeResources: new(false)},
			want: lines(
				"NAME                     CLUSTERPAIR    STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED   TOTAL BYTES TRANSFERRED",
				"getmigrationstatustest   clusterpair1                    N/A       N/A         24 Oct 24 10:00 UTC   2m0s      Available with stork v2.9.0+"),
		},
		"counts what the status lists, nulls included, without a summary": {
			status: storkv1alpha1.MigrationStatus{
				Stage: "Final", Status: "Failed", FinishTimestamp: &finished,
				Volumes:   []*storkv1alpha1.MigrationVolumeInfo{{Status: "Successful"}, {Status: "Failed"}, nil},
				Resources: []*storkv1alpha1.MigrationResourceInfo{{Status: "Successful"}, nil},
			},
			want: lines(
				"NAME                     CLUSTERPAIR    STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED   TOTAL BYTES TRANSFERRED",
				"getmigrationstatustest   clusterpair1   Final   Failed   1/3       1/2         24 Oct 24 10:00 UTC   5m0s      Available with stork v2.9.0+"),
		},
		"leaves the time blank where a final one has none": {
			status: storkv1alpha1.MigrationStatus{Stage: "Final", Status: "Failed"},
			want: lines(
				"NAME                     CLUSTERPAIR    STAGE   STATUS   VOLUMES   RESOURCES   CREATED               ELAPSED   TOTAL BYTES TRANSFERRED",
				"getmigrationstatustest   clusterpair1   Final   Failed   0/0       0/0         24 Oct 24 10:00 UTC             Available with stork v2.9.0+"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := &storkv1alpha1.Migration{Spec: test.spec, Status: test.status}
			m.Name, m.Spec.ClusterPair, m.CreationTimestamp = "getmigrationstatustest", "clusterpair1", metav1.NewTime(now)
			g := &globals{Options: Options{Clock: clocktesting.NewFakeClock(now.Add(2 * time.Minute)), Location: time.UTC}}
			noun := migrationNoun(g, &pairFilter{})
			out := &buffer{}
			if err := newTable(out, noun.columns...).print(noun.rows(m)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}

func TestTimeCell(t *testing.T) {
	g := &globals{Options: Options{Location: time.FixedZone("MDT", -6*3600)}}
	if got := g.timeCell(now); got != "24 Oct 24 04:00 MDT" {
		t.Errorf("a time in the user's zone: got %q", got)
	}
	if got := g.timeCell(time.Time{}); got != "" {
		t.Errorf("the zero time: got %q", got)
	}
}
