package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kind is one of Stork's.
type kind struct {
	name, plural  string
	clusterScoped bool
	new           func() object
}

// object is an object of one of the kinds below.
type object interface {
	metav1.Object
	setKind(name string)
}

// head is what all objects begin with.
type head struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

func (h *head) setKind(name string) {
	h.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1alpha1", Kind: name}
}

// kinds are those that Stork installs and Godwit serves.
var kinds = []kind{
	{"Action", "actions", false, func() object { return &action{} }},
	{"ApplicationRegistration", "applicationregistrations", true, func() object { return &applicationRegistration{} }},
	{"BackupLocation", "backuplocations", false, func() object { return &backupLocation{} }},
	{"ClusterPair", "clusterpairs", false, func() object { return &clusterPair{} }},
	{"Migration", "migrations", false, func() object { return &migration{} }},
	{"MigrationSchedule", "migrationschedules", false, func() object { return &migrationSchedule{} }},
	{"NamespacedSchedulePolicy", "namespacedschedulepolicies", false, func() object { return &schedulePolicy{} }},
	{"ResourceTransformation", "resourcetransformations", false, func() object { return &resourceTransformation{} }},
	{"Rule", "rules", false, func() object { return &rule{} }},
	{"SchedulePolicy", "schedulepolicies", true, func() object { return &schedulePolicy{} }},
}

type clusterPair struct {
	head `json:",inline"`
	Spec struct {
		// Of client-go's own type: its entries are maps, and some of its fields have no name for JSON of their own.
		Config          clientcmdapi.Config `json:"config"`
		Options         map[string]string   `json:"options"`
		PlatformOptions struct {
			Rancher *struct {
				ProjectMappings map[string]string `json:"projectMappings,omitempty"`
			} `json:"rancher,omitempty"`
		} `json:"platformOptions,omitempty"`
	} `json:"spec"`
	Status struct {
		SchedulerStatus string `json:"schedulerStatus"`
		StorageStatus   string `json:"storageStatus"`
		RemoteStorageID string `json:"remoteStorageId"`
	} `json:"status,omitempty"`
}

type migrationSpec struct {
	ClusterPair                  string            `json:"clusterPair"`
	AdminClusterPair             string            `json:"adminClusterPair"`
	Namespaces                   []string          `json:"namespaces"`
	NamespaceSelectors           map[string]string `json:"namespaceSelectors"`
	IncludeResources             *bool             `json:"includeResources"`
	IncludeVolumes               *bool             `json:"includeVolumes"`
	StartApplications            *bool             `json:"startApplications"`
	PurgeDeletedResources        *bool             `json:"purgeDeletedResources"`
	SkipServiceUpdate            *bool             `json:"skipServiceUpdate"`
	IncludeNetworkPolicyWithCIDR *bool             `json:"includeNetworkPolicyWithCIDR"`
	Selectors                    map[string]string `json:"selectors"`
	ExcludeSelectors             map[string]string `json:"excludeSelectors"`
	PreExecRule                  string            `json:"preExecRule"`
	PostExecRule                 string            `json:"postExecRule"`
	IncludeOptionalResourceTypes []string          `json:"includeOptionalResourceTypes"`
	SkipDeletedNamespaces        *bool             `json:"skipDeletedNamespaces"`
	TransformSpecs               []string          `json:"transformSpecs"`
	IgnoreOwnerReferencesCheck   *bool             `json:"ignoreOwnerReferencesCheck"`
	ExcludeResourceTypes         []string          `json:"excludeResourceTypes"`
}

type migration struct {
	head   `json:",inline"`
	Spec   migrationSpec `json:"spec"`
	Status struct {
		Stage                            string               `json:"stage"`
		Status                           string               `json:"status"`
		Resources                        []*migrationResource `json:"resources"`
		Volumes                          []*migrationVolume   `json:"volumes"`
		FinishTimestamp                  metav1.Time          `json:"finishTimestamp"`
		VolumeMigrationFinishTimestamp   metav1.Time          `json:"volumeMigrationFinishTimestamp"`
		ResourceMigrationFinishTimestamp metav1.Time          `json:"resourceMigrationFinishTimestamp"`
		Summary                          *migrationSummary    `json:"summary"`
	} `json:"status"`
}

type migrationResource struct {
	Name                    string `json:"name"`
	Namespace               string `json:"namespace"`
	metav1.GroupVersionKind `json:",inline"`
	Status                  string `json:"status"`
	Reason                  string `json:"reason"`
	TransformedBy           string `json:"transformedBy"`
}

type migrationVolume struct {
	PersistentVolumeClaim string `json:"persistentVolumeClaim"`
	Namespace             string `json:"namespace"`
	Volume                string `json:"volume"`
	Status                string `json:"status"`
	BytesTotal            uint64 `json:"bytesTotal"`
	Reason                string `json:"reason"`
}

type migrationSummary struct {
	TotalNumberOfVolumes            uint64 `json:"totalNumberOfVolumes"`
	NumberOfMigratedVolumes         uint64 `json:"numOfMigratedVolumes"`
	TotalNumberOfResources          uint64 `json:"totalNumberOfResources"`
	NumberOfMigratedResources       uint64 `json:"numOfMigratedResources"`
	TotalBytesMigrated              uint64 `json:"totalBytesMigrated"`
	ElapsedTimeForVolumeMigration   string `json:"elapsedTimeForVolumeMigration"`
	ElapsedTimeForResourceMigration string `json:"elapsedTimeForResourceMigration"`
}

type migrationSchedule struct {
	head `json:",inline"`
	Spec struct {
		Template struct {
			Spec migrationSpec `json:"spec"`
		} `json:"template"`
		SchedulePolicyName string `json:"schedulePolicyName"`
		Suspend            *bool  `json:"suspend"`
		AutoSuspend        bool   `json:"autoSuspend"`
	} `json:"spec"`
	Status struct {
		Items map[string][]*struct {
			Name              string      `json:"name"`
			CreationTimestamp metav1.Time `json:"creationTimestamp"`
			FinishTimestamp   metav1.Time `json:"finishTimestamp"`
			Status            string      `json:"status"`
		} `json:"items"`
		ApplicationActivated bool `json:"applicationActivated"`
	} `json:"status"`
}

type schedulePolicy struct {
	head   `json:",inline"`
	Policy struct {
		Interval *struct {
			IntervalMinutes int               `json:"intervalMinutes"`
			Retain          int               `json:"retain"`
			Options         map[string]string `json:"options"`
		} `json:"interval"`
		Daily *struct {
			Time                 string            `json:"time"`
			Retain               int               `json:"retain"`
			ForceFullSnapshotDay string            `json:"forceFullSnapshotDay"`
			Options              map[string]string `json:"options"`
		} `json:"daily"`
		Weekly *struct {
			Day     string            `json:"day"`
			Time    string            `json:"time"`
			Retain  int               `json:"retain"`
			Options map[string]string `json:"options"`
		} `json:"weekly"`
		Monthly *struct {
			Date    int               `json:"date"`
			Time    string            `json:"time"`
			Retain  int               `json:"retain"`
			Options map[string]string `json:"options"`
		} `json:"monthly"`
	} `json:"policy"`
}

type suspendOptions struct {
	Path  string `json:"path"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

type applicationRegistration struct {
	head      `json:",inline"`
	Resources []struct {
		metav1.GroupVersionKind `json:",inline"`
		KeepStatus              bool             `json:"keepStatus"`
		SuspendOptions          suspendOptions   `json:"suspendOptions"`
		PodsPath                string           `json:"podsPath"`
		CustomSuspendOptions    []suspendOptions `json:"customSuspendOptions"`
		StashStrategy           struct {
			StashCR bool `json:"stashCR"`
		} `json:"stashStrategy"`
	} `json:"resources"`
}

type rule struct {
	head  `json:",inline"`
	Rules []struct {
		PodSelector map[string]string `json:"podSelector"`
		Container   string            `json:"container"`
		Actions     []struct {
			Type           string `json:"type"`
			Background     bool   `json:"background,omitempty"`
			RunInSinglePod bool   `json:"runInSinglePod,omitempty"`
			Value          string `json:"value"`
		} `json:"actions"`
	} `json:"rules"`
}

type transformSpec struct {
	Paths []struct {
		Path      string `json:"path"`
		Value     string `json:"value"`
		Type      string `json:"type"`
		Operation string `json:"operation"`
	} `json:"paths"`
	Resource  string            `json:"resource"`
	Selectors map[string]string `json:"selectors"`
}

type resourceTransformation struct {
	head  `json:",inline"`
	Specs struct {
		TransformSpecs []transformSpec `json:"transformSpecs"`
	} `json:"specs"`
	Status struct {
		Status    string `json:"status"`
		Resources []*struct {
			Name                    string `json:"name"`
			Namespace               string `json:"namespace"`
			metav1.GroupVersionKind `json:",inline"`
			Status                  string        `json:"status"`
			Reason                  string        `json:"reason"`
			Specs                   transformSpec `json:"specs"`
		} `json:"resources"`
	} `json:"status"`
}

type actionSummary struct {
	Namespace string `json:"namespace"`
	Status    string `json:"status"`
	Reason    string `json:"reason"`
}

type action struct {
	head `json:",inline"`
	Spec struct {
		ActionType      string `json:"actionType"`
		ActionParameter struct {
			FailoverParameter struct {
				FailoverNamespaces         []string `json:"failoverNamespaces"`
				MigrationScheduleReference string   `json:"migrationScheduleReference"`
				SkipSourceOperations       *bool    `json:"skipSourceOperations"`
			} `json:"failoverParameter"`
			FailbackParameter struct {
				FailbackNamespaces         []string `json:"failbackNamespaces"`
				MigrationScheduleReference string   `json:"migrationScheduleReference"`
			} `json:"failbackParameter"`
		} `json:"actionParameter"`
	} `json:"spec"`
	Status struct {
		Stage           string      `json:"stage"`
		Status          string      `json:"status"`
		FinishTimestamp metav1.Time `json:"finishTimestamp"`
		Reason          string      `json:"reason"`
		Summary         *struct {
			FailoverSummary []*actionSummary `json:"failoverSummary,omitempty"`
			FailbackSummary []*actionSummary `json:"failbackSummary,omitempty"`
		} `json:"summary"`
	} `json:"status"`
}

type backupLocation struct {
	head     `json:",inline"`
	Location struct {
		Type               string         `json:"type"`
		Path               string         `json:"path"`
		EncryptionKey      string         `json:"encryptionKey"`
		EncryptionV2Key    string         `json:"encryptionV2Key"`
		S3Config           map[string]any `json:"s3Config,omitempty"`
		AzureConfig        map[string]any `json:"azureConfig,omitempty"`
		GoogleConfig       map[string]any `json:"googleConfig,omitempty"`
		NFSConfig          map[string]any `json:"nfsConfig,omitempty"`
		SecretConfig       string         `json:"secretConfig"`
		Sync               bool           `json:"sync"`
		RepositoryPassword string         `json:"repositoryPassword"`
	} `json:"location"`
	Cluster struct {
		Type               string         `json:"type"`
		EncryptionKey      string         `json:"encryptionKey"`
		AWSClusterConfig   map[string]any `json:"awsClusterConfig"`
		AzureClusterConfig map[string]any `json:"azureClusterConfig"`
		GCPClusterConfig   map[string]any `json:"gcpClusterConfig"`
		SecretConfig       string         `json:"secretConfig"`
		Sync               bool           `json:"sync"`
	} `json:"cluster"`
}
