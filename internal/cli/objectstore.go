package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// objectStore are the flags that describe an object store.
type objectStore struct {
	existing         string
	provider         string
	bucket           string
	encryptionKey    string
	s3AccessKey      string
	s3SecretKey      string
	s3Region         string
	s3Endpoint       string
	s3StorageClass   string
	disableSSL       bool
	azureAccountName string
	azureAccountKey  string
	googleProjectID  string
	googleKeyFile    string
	nfs              nfsStore
	// workloadIdentity uses the identity that a cloud gives to pods in place of keys.
	workloadIdentity bool
}

func (o *objectStore) addFlags(g *globals, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.existing, "use-existing-objectstorelocation", "", "Name of a BackupLocation that both clusters have, with its Secret")
	flags.StringVarP(&o.provider, "provider", "p", "", "Kind of object store: s3, azure, google or nfs")
	flags.StringVar(&o.bucket, "bucket", "", "Name of the bucket or container; without it, the storage driver makes a bucket of its own, which it cannot in Azure")
	flags.StringVar(&o.encryptionKey, "encryption-key", "", "Key that what is stored is encrypted with")
	flags.StringVar(&o.s3AccessKey, "s3-access-key", "", "Access key for S3")
	flags.StringVar(&o.s3SecretKey, "s3-secret-key", "", "Secret key for S3")
	flags.StringVar(&o.s3Region, "s3-region", "", "Region of the S3 bucket")
	flags.StringVar(&o.s3Endpoint, "s3-endpoint", "", "Endpoint of S3")
	flags.StringVar(&o.s3StorageClass, "s3-storage-class", "", "Storage class of what is written to S3")
	flags.BoolVar(&o.disableSSL, "disable-ssl", false, "Talk to S3 without TLS")
	flags.StringVar(&o.azureAccountName, "azure-account-name", "", "Name of the Azure storage account")
	flags.StringVar(&o.azureAccountKey, "azure-account-key", "", "Key of the Azure storage account")
	flags.StringVar(&o.googleProjectID, "google-project-id", "", "ID of the Google project")
	flags.StringVar(&o.googleKeyFile, "google-key-file-path", "", "Path of the JSON key file of a Google service account")
	flags.BoolVar(&o.workloadIdentity, "use-workload-identity", false, "Use the identity that the cloud gives to pods in place of keys, for s3, azure and google")
	flags.Bool("skip-validation", false, "Has no effect: credentials of object stores are not tried")
	o.nfs.addFlags(flags)
	alsoSpelled(flags, "google-key-file-path", "google-json-key")
	completeFlag(cmd, "use-existing-objectstorelocation", g.completeObjects(&storkv1alpha1.BackupLocationList{}))
	completeFlag(cmd, "provider", cobra.FixedCompletions([]string{"s3", "azure", "google", "nfs"}, cobra.ShellCompDirectiveNoFileComp))
}

// location returns the BackupLocation's content that goes with secretData in a Secret of this name.
func (o *objectStore) location(secret string) storkv1alpha1.BackupLocationItem {
	return storkv1alpha1.BackupLocationItem{
		Type:                storkv1alpha1.BackupLocationType(o.provider),
		SecretConfig:        secret,
		UseWorkloadIdentity: o.workloadIdentity,
	}
}

// secretData returns the content of the Secret that a BackupLocation refers to, in the keys that Stork reads.
func (o *objectStore) secretData() (map[string][]byte, error) {
	values, err := o.providerValues()
	if err != nil {
		return nil, err
	}
	values["type"], values["encryptionKey"] = o.provider, o.encryptionKey
	data := map[string][]byte{}
	for key, value := range values {
		data[key] = []byte(value)
	}
	return data, nil
}

func (o *objectStore) providerValues() (values map[string]string, err error) {
	switch storkv1alpha1.BackupLocationType(o.provider) {
	case storkv1alpha1.BackupLocationS3:
		values, err = o.s3Values()
	case storkv1alpha1.BackupLocationAzure:
		values, err = o.azureValues()
	case storkv1alpha1.BackupLocationGoogle:
		values, err = o.googleValues()
	case storkv1alpha1.BackupLocationNFS:
		return o.nfsValues()
	default:
		return nil, missingParameter("provider", "External objectstore provider needs to be either of azure, google, nfs, s3")
	}
	if err != nil {
		return nil, err
	}
	values["path"] = o.bucket
	return values, nil
}

// keys checks the flags for credentials: all are needed, or none with an identity that needs no keys.
func (o *objectStore) keys(parameters ...parameter) error {
	if !o.workloadIdentity {
		return required(parameters...)
	}
	for _, p := range parameters {
		if p.value != "" {
			return fmt.Errorf("--use-workload-identity and --%s exclude each other: provide one of them", p.flag)
		}
	}
	return nil
}

func (o *objectStore) s3Values() (map[string]string, error) {
	values := map[string]string{
		"endpoint":        o.s3Endpoint,
		"accessKeyID":     o.s3AccessKey,
		"secretAccessKey": o.s3SecretKey,
		"region":          o.s3Region,
		"disableSSL":      strconv.FormatBool(o.disableSSL),
	}
	if o.s3StorageClass != "" {
		values["storageClass"] = o.s3StorageClass
	}
	if err := o.keys(
		parameter{"s3-access-key", o.s3AccessKey, "Access Key missing for S3"},
		parameter{"s3-secret-key", o.s3SecretKey, "Secret Key missing for S3"}); err != nil {
		return nil, err
	}
	return values, required(
		parameter{"s3-endpoint", o.s3Endpoint, "Endpoint missing for S3"},
		parameter{"s3-region", o.s3Region, "Region missing for S3"})
}

func (o *objectStore) azureValues() (map[string]string, error) {
	if err := required(parameter{"azure-account-name", o.azureAccountName, "Account Name missing for Azure"}); err != nil {
		return nil, err
	}
	if err := o.keys(parameter{"azure-account-key", o.azureAccountKey, "Account Key missing for Azure"}); err != nil {
		return nil, err
	}
	// The documents want a container that exists: nobody makes one.
	return map[string]string{"storageAccountName": o.azureAccountName, "storageAccountKey": o.azureAccountKey},
		required(parameter{"bucket", o.bucket, "Container missing for Azure: create one there and give its name"})
}

func (o *objectStore) googleValues() (map[string]string, error) {
	if err := required(parameter{"google-project-id", o.googleProjectID, "Project ID missing for Google"}); err != nil {
		return nil, err
	}
	if err := o.keys(parameter{"google-key-file-path", o.googleKeyFile, "Json key file path missing for Google"}); err != nil {
		return nil, err
	}
	values := map[string]string{"projectID": o.googleProjectID}
	if o.workloadIdentity {
		return values, nil
	}
	key, err := os.ReadFile(o.googleKeyFile)
	if err != nil {
		return nil, fmt.Errorf("failed to read json key file: %w", err)
	}
	values["accountKey"] = string(key)
	return values, nil
}

// nfsValues refuses flags that mean nothing for a directory.
func (o *objectStore) nfsValues() (map[string]string, error) {
	switch {
	case o.bucket != "":
		return nil, errors.New("--bucket is not for provider nfs: provide --nfs-export-path and --nfs-sub-path instead")
	case o.workloadIdentity:
		return nil, errors.New("--use-workload-identity is not for provider nfs, which has no credentials: leave it out")
	}
	return o.nfs.values()
}

// nfsStore are the flags that describe a directory of an NFS server.
type nfsStore struct {
	server         string
	exportPath     string
	subPath        string
	mountOptions   string
	timeoutSeconds int
}

func (o *nfsStore) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.server, "nfs-server", "", "Name or address of the NFS server")
	flags.StringVar(&o.exportPath, "nfs-export-path", "", "Path that the NFS server exports")
	flags.StringVar(&o.subPath, "nfs-sub-path", "", "Directory below the export; the storage driver makes one if not given")
	flags.StringVar(&o.mountOptions, "nfs-mount-opts", "", "Options for mounting the export")
	flags.IntVar(&o.timeoutSeconds, "nfs-timeout-seconds", 5, "Seconds after which reading and writing gives up, 1 to 30")
}

func (o *nfsStore) values() (map[string]string, error) {
	if err := required(
		parameter{"nfs-server", o.server, "Server missing for NFS"},
		parameter{"nfs-export-path", o.exportPath, "Export path missing for NFS"}); err != nil {
		return nil, err
	}
	if o.timeoutSeconds < 1 || o.timeoutSeconds > 30 {
		return nil, fmt.Errorf("invalid --nfs-timeout-seconds %d: provide a number of seconds from 1 to 30", o.timeoutSeconds)
	}
	return map[string]string{
		"path":               o.exportPath,
		"serverAddr":         o.server,
		"subPath":            o.subPath,
		"mountOptions":       o.mountOptions,
		"nfsIOTimeoutInSecs": strconv.Itoa(o.timeoutSeconds),
	}, nil
}

// parameter is a flag that must have a value.
type parameter struct{ flag, value, why string }

// required returns an error for the first parameter without a value.
func required(parameters ...parameter) error {
	for _, p := range parameters {
		if p.value == "" {
			return missingParameter(p.flag, p.why)
		}
	}
	return nil
}

func missingParameter(flag, why string) error {
	return fmt.Errorf("missing parameter %q - %s", flag, why)
}
