package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is Stork's API group, which every kind of this package belongs to.
const GroupName = "stork.libopenstorage.org"

var (
	// GroupVersion is the group and version of the kinds in this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects the functions that register the kinds of this package.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers the kinds of this package in a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&Action{}, &ActionList{},
		&ApplicationRegistration{}, &ApplicationRegistrationList{},
		&BackupLocation{}, &BackupLocationList{},
		&ClusterPair{}, &ClusterPairList{},
		&Migration{}, &MigrationList{},
		&MigrationSchedule{}, &MigrationScheduleList{},
		&NamespacedSchedulePolicy{}, &NamespacedSchedulePolicyList{},
		&ResourceTransformation{}, &ResourceTransformationList{},
		&Rule{}, &RuleList{},
		&SchedulePolicy{}, &SchedulePolicyList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
