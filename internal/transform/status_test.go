package transform

import (
	"testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

func TestStatus(t *testing.T) {
	registrations := workload.NewRegistrations([]storkv1alpha1.ApplicationResource{
		{Group: "example.com", Version: "v1", Kind: "Kept", KeepStatus: true}, {Group: "example.com", Version: "v1", Kind: "Dropped"},
	})
	runAll(t, status{registrations: registrations}, map[string]transformation{
		"goes from built-in kinds": {
			before: "{apiVersion: v1, kind: Service, metadata: {}, status: {loadBalancer: {}}}", after: "{apiVersion: v1, kind: Service, metadata: {}}",
		},
		"goes from registered kinds": {
			before: "{apiVersion: example.com/v1, kind: Dropped, status: {a: b}}", after: "{apiVersion: example.com/v1, kind: Dropped}",
		},
		"stays where the registration says so": {before: "{apiVersion: example.com/v1, kind: Kept, status: {a: b}}"},
	})
}
