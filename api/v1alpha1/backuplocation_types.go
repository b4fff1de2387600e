package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BackupLocationType is a kind of object store.
// +kubebuilder:validation:Enum=s3;azure;google;nfs
type BackupLocationType string

const (
	// BackupLocationS3 is S3 or compatible.
	BackupLocationS3 BackupLocationType = "s3"
	// BackupLocationAzure is Azure Blob Storage.
	BackupLocationAzure BackupLocationType = "azure"
	// BackupLocationGoogle is Google Cloud Storage.
	BackupLocationGoogle BackupLocationType = "google"
	// BackupLocationNFS is a directory on an NFS server.
	BackupLocationNFS BackupLocationType = "nfs"
)

// ClusterType is a kind of cloud.
// +kubebuilder:validation:Enum="";aws;gcp;azure
type ClusterType string

// BackupLocationItem describes an object store. Keys of the Secret go before values written here.
type BackupLocationItem struct {
	// type of the store.
	Type BackupLocationType `json:"type"`
	// path is the bucket or container, or the export of an NFS server.
	// +optional
	Path string `json:"path"`
	// encryptionKey is deprecated: use the Secret's encryptionKey.
	// +optional
	EncryptionKey string `json:"encryptionKey,omitempty"`
	// encryptionV2Key encrypts what is stored. Prefer the Secret's encryptionKey.
	// +optional
	EncryptionV2Key string `json:"encryptionV2Key,omitempty"`
	// s3Config is for type s3.
	// +optional
	// +nullable
	S3Config *S3Config `json:"s3Config,omitempty"`
	// azureConfig is for type azure.
	// +optional
	// +nullable
	AzureConfig *AzureConfig `json:"azureConfig,omitempty"`
	// googleConfig is for type google.
	// +optional
	// +nullable
	GoogleConfig *GoogleConfig `json:"googleConfig,omitempty"`
	// nfsConfig is for type nfs.
	// +optional
	// +nullable
	NFSConfig *NFSConfig `json:"nfsConfig,omitempty"`
	// secretConfig names a Secret of the same namespace with credentials.
	// +optional
	SecretConfig string `json:"secretConfig,omitempty"`
	// sync true reads what other clusters stored.
	// +optional
	Sync bool `json:"sync,omitempty"`
	// repositoryPassword protects the repository. Prefer the Secret.
	// +optional
	RepositoryPassword string `json:"repositoryPassword,omitempty"`
	// useWorkloadIdentity true uses the identity of the cloud in place of keys.
	// +optional
	UseWorkloadIdentity bool `json:"useWorkloadIdentity,omitempty"`
	// validate true asks for a check of the credentials; it is set back when done.
	// +optional
	Validate bool `json:"validate,omitempty"`
}

// S3Config is for S3 and compatible stores.
type S3Config struct {
	// endpoint is a host, with a port if need be; empty means s3.amazonaws.com.
	// +optional
	Endpoint string `json:"endpoint,omitempty"`
	// accessKeyID of the credential.
	// +optional
	AccessKeyID string `json:"accessKeyID,omitempty"`
	// secretAccessKey of the credential. Prefer the Secret.
	// +optional
	SecretAccessKey string `json:"secretAccessKey,omitempty"`
	// region of the bucket; empty means us-east-1.
	// +optional
	Region string `json:"region,omitempty"`
	// disableSSL true talks plain HTTP.
	// +optional
	DisableSSL bool `json:"disableSSL,omitempty"`
	// storageClass of what is written.
	// +optional
	StorageClass string `json:"storageClass,omitempty"`
	// useIam true uses the role of the node or pod.
	// +optional
	UseIam bool `json:"useIam,omitempty"`
	// sse is the server-side encryption to ask for, for example AES256 or aws:kms.
	// +optional
	SSE string `json:"sse,omitempty"`
}

// AzureConfig is for Azure Blob Storage.
type AzureConfig struct {
	// storageAccountName of the store.
	// +optional
	StorageAccountName string `json:"storageAccountName,omitempty"`
	// storageAccountKey of the store. Prefer the Secret.
	// +optional
	StorageAccountKey string `json:"storageAccountKey,omitempty"`
	// tenantID of the application.
	// +optional
	TenantID string `json:"tenantID,omitempty"`
	// subscriptionID of the store.
	// +optional
	SubscriptionID string `json:"subscriptionID,omitempty"`
	// clientID of the application.
	// +optional
	ClientID string `json:"clientID,omitempty"`
	// clientSecret of the application. Prefer the Secret.
	// +optional
	ClientSecret string `json:"clientSecret,omitempty"`
	// environment is AzurePublicCloud or AzureChinaCloud, in Stork's documents azure-public or azure-china; empty means the
	// public one.
	// +kubebuilder:validation:Enum="";AzurePublicCloud;AzureChinaCloud;azure-public;azure-china
	// +optional
	Environment string `json:"environment,omitempty"`
	// resourceGroupName of the store.
	// +optional
	ResourceGroupName string `json:"resourceGroupName,omitempty"`
}

// GoogleConfig is for Google Cloud Storage.
type GoogleConfig struct {
	// projectID of the bucket.
	// +optional
	ProjectID string `json:"projectID,omitempty"`
	// accountKey is the JSON key of a service account. Prefer the Secret.
	// +optional
	AccountKey string `json:"accountKey,omitempty"`
}

// NFSConfig is for a directory on an NFS server.
type NFSConfig struct {
	// serverAddr of the server.
	// +optional
	ServerAddr string `json:"serverAddr,omitempty"`
	// subPath below the export.
	// +optional
	SubPath string `json:"subPath,omitempty"`
	// mountOptions as mount takes them.
	// +optional
	MountOptions string `json:"mountOptions,omitempty"`
	// nfsIOTimeoutInSecs is how long an operation may take, in seconds: digits in a string, as Stork has it.
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]*$')",message="nfsIOTimeoutInSecs must be a number of seconds in quotes, such as \"5\""
	// +optional
	IOTimeoutInSecs string `json:"nfsIOTimeoutInSecs,omitempty"`
}

// ClusterItem describes a cloud that clusters are found in.
type ClusterItem struct {
	// type of the cloud.
	// +optional
	Type ClusterType `json:"type,omitempty"`
	// encryptionKey encrypts what is stored.
	// +optional
	EncryptionKey string `json:"encryptionKey,omitempty"`
	// awsClusterConfig is for type aws.
	// +optional
	// +nullable
	AWSClusterConfig *S3Config `json:"awsClusterConfig,omitempty"`
	// azureClusterConfig is for type azure.
	// +optional
	// +nullable
	AzureClusterConfig *AzureConfig `json:"azureClusterConfig,omitempty"`
	// gcpClusterConfig is for type gcp.
	// +optional
	// +nullable
	GCPClusterConfig *GoogleConfig `json:"gcpClusterConfig,omitempty"`
	// secretConfig names a Secret of the same namespace with credentials.
	// +optional
	SecretConfig string `json:"secretConfig,omitempty"`
	// sync true reads what other clusters stored.
	// +optional
	Sync bool `json:"sync,omitempty"`
}

// BackupLocationCheck is the result of one kind of check.
type BackupLocationCheck struct {
	// status of the check.
	// +optional
	Status string `json:"status,omitempty"`
	// reason of the status.
	// +optional
	Reason string `json:"reason,omitempty"`
	// lastUpdateTime is when it was checked.
	// +optional
	LastUpdateTime *metav1.Time `json:"lastUpdateTime,omitempty"`
	// objectLock tells whether the bucket has object lock.
	// +optional
	ObjectLock bool `json:"objectLock,omitempty"`
	// retentionPeriodDays of the object lock.
	// +optional
	RetentionPeriodDays int64 `json:"retentionPeriodDays,omitempty"`
}

// BackupLocationStatus is what is known of a BackupLocation.
type BackupLocationStatus struct {
	// sync is the state of reading what other clusters stored.
	// +optional
	Sync *BackupLocationCheck `json:"sync,omitempty"`
	// validation is the state of the check of credentials.
	// +optional
	Validation *BackupLocationCheck `json:"validation,omitempty"`
}

// BackupLocation describes an object store.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=backuplocations
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.location.type`
// +kubebuilder:printcolumn:name="Path",type=string,JSONPath=`.location.path`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.location.secretConfig`
// +kubebuilder:validation:XValidation:rule="has(self.location) || (oldSelf.hasValue() && !has(oldSelf.value().location))",optionalOldSelf=true,message="location is missing: describe the store there"
type BackupLocation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// location is the store.
	// +optional
	Location BackupLocationItem `json:"location"`
	// cluster is the cloud.
	// +optional
	Cluster ClusterItem `json:"cluster,omitempty"`
	// status is what is known of it.
	// +optional
	Status BackupLocationStatus `json:"status,omitempty"`
}

// BackupLocationList is a list of BackupLocations.
//
// +kubebuilder:object:root=true
type BackupLocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BackupLocation `json:"items"`
}
