package v1alpha1_test

import (
	"fmt"
	"maps"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("kubectl get", func() {
	for _, kind := range kinds {
		It("shows "+kind.name+" in the columns of storkctl", func(ctx SpecContext) {
			Expect(columns(getTable(ctx, kind.plural))).To(Equal(kind.columns))
		})
	}

	// Dates are left out: the API server turns them into ages. An absent value is an empty cell.
	DescribeTable("fills the cells of", func(ctx SpecContext, name, plural string, status map[string]any, want map[string]string) {
		obj, written := specimen(ctx, name)
		Expect(k8s.Create(ctx, obj)).To(Succeed())
		if kindOf(obj).hasStatus {
			maps.Copy(written, status)
			obj.Object["status"] = written
			Expect(k8s.Status().Update(ctx, obj)).To(Succeed())
		}
		got := cells(getTable(ctx, plural), obj.GetUID())
		for column, cell := range want {
			Expect(got).To(HaveKeyWithValue(column, cell))
		}
	},
		Entry("a Migration", "Migration", "migrations", map[string]any{
			"progress":   map[string]any{"volumes": "1/1", "resources": "2/3", "elapsed": "Volumes (4m30s) Resources (1m30s)"},
			"conditions": []any{condition("Succeeded", "1 object did not arrive")},
		}, map[string]string{
			"NAME": "spring", "CLUSTERPAIR": "", "STAGE": "", "STATUS": "", "VOLUMES": "1/1", "RESOURCES": "2/3",
			"ELAPSED": "Volumes (4m30s) Resources (1m30s)", "TOTAL BYTES TRANSFERRED": "<nil>", "REASON": "1 object did not arrive",
		}),
		Entry("a MigrationSchedule", "MigrationSchedule", "migrationschedules", map[string]any{"lastSuccessDuration": "5m0s"},
			map[string]string{
				"POLICYNAME": "default-migration-policy", "CLUSTERPAIR": "to-harbour", "SUSPEND": "false", "LAST-SUCCESS-DURATION": "5m0s",
			}),
		Entry("a ClusterPair", "ClusterPair", "clusterpairs", map[string]any{
			"serverVersion": "v1.36.3", "conditions": []any{condition("Ready", "paired")},
		}, map[string]string{"STORAGE-STATUS": "NotProvided", "SCHEDULER-STATUS": "", "VERSION": "v1.36.3", "REASON": "paired"}),
		Entry("an Action", "Action", "actions", map[string]any{"reason": "Scaled up Apps in : 1/1 namespaces"},
			map[string]string{"STAGE": "WaitAfterScaleDown", "STATUS": "In-Progress", "MORE INFO": "Scaled up Apps in : 1/1 namespaces"}),
		Entry("a SchedulePolicy", "SchedulePolicy", "schedulepolicies", nil, map[string]string{
			"INTERVAL-MINUTES": "15", "DAILY": "<nil>", "WEEKLY": "<nil>", "MONTHLY": "<nil>",
		}),
		Entry("a NamespacedSchedulePolicy", "NamespacedSchedulePolicy", "namespacedschedulepolicies", nil, map[string]string{
			"INTERVAL-MINUTES": "<nil>", "DAILY": "1:05AM", "WEEKLY": "Thurs", "WEEKLY-TIME": "2:10AM", "MONTHLY": "0",
		}),
		Entry("an ApplicationRegistration, of which only the first resource fits", "ApplicationRegistration", "applicationregistrations", nil,
			map[string]string{
				"KIND": "Lamp", "CRD-NAME": "lighthouse.example.com", "VERSION": "v1", "SUSPEND-OPTIONS": "spec.paused", "KEEP-STATUS": "false",
			}),
		Entry("a ResourceTransformation", "ResourceTransformation", "resourcetransformations", nil, map[string]string{"STATUS": "Ready"}),
		Entry("a BackupLocation", "BackupLocation", "backuplocations", nil, map[string]string{
			"TYPE": "azure", "PATH": "logbook", "SECRET": "<nil>",
		}),
	)
})

func condition(conditionType, message string) map[string]any {
	return map[string]any{
		"type": conditionType, "status": "False", "reason": "Failed", "message": message, "lastTransitionTime": "2024-03-01T12:00:00Z",
	}
}

// getTable asks for objects of all namespaces in the form that kubectl get does.
func getTable(ctx SpecContext, plural string) *metav1.Table {
	GinkgoHelper()
	forGroup := rest.CopyConfig(config)
	forGroup.GroupVersion = &storkv1alpha1.GroupVersion
	forGroup.APIPath = "/apis"
	forGroup.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	restClient, err := rest.RESTClientFor(forGroup)
	Expect(err).NotTo(HaveOccurred())
	body, err := restClient.Get().Resource(plural).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(ctx).Raw()
	Expect(err).NotTo(HaveOccurred())
	table := &metav1.Table{}
	Expect(json.Unmarshal(body, table)).To(Succeed())
	return table
}

// columns are the headers that kubectl prints without -o wide.
func columns(table *metav1.Table) []string {
	var names []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			names = append(names, strings.ToUpper(column.Name))
		}
	}
	return names
}

// cells are those of one object by header, also those that only -o wide prints.
func cells(table *metav1.Table, uid types.UID) map[string]string {
	GinkgoHelper()
	for _, row := range table.Rows {
		partial := &metav1.PartialObjectMetadata{}
		Expect(json.Unmarshal(row.Object.Raw, partial)).To(Succeed())
		if partial.UID != uid {
			continue
		}
		byHeader := map[string]string{}
		for i, column := range table.ColumnDefinitions {
			byHeader[strings.ToUpper(column.Name)] = fmt.Sprint(row.Cells[i])
		}
		return byHeader
	}
	Fail("the table has no such object")
	return nil
}
