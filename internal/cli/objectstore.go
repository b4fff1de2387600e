package cli

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

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
}

func (o *objectStore) addFlags(g *globals, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.existing, "use-existing-objectstorelocation", "", "Name of a BackupLocation that both clusters have, with its Secret")
	flags.StringVarP(&o.provider, "provider", "p", "", "Kind of object store: s3, azure or google")
	flags.StringVar(&o.bucket, "bucket", "", "Name of the bucket or container")
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
	alsoSpelled(flags, "google-key-file-path", "google-json-key")
	completeFlag(cmd, "use-existing-objectstorelocation", g.completeObjects(&storkv1alpha1.BackupLocationList{}))
	completeFlag(cmd, "provider", cobra.FixedCompletions([]string{"s3", "azure", "google"}, cobra.ShellCompDirectiveNoFileComp))
}

// secretData returns the content of the Secret that a BackupLocation refers to, in the keys that Stork reads.
func (o *objectStore) secretData() (map[string][]byte, error) {
	values, err := o.providerValues()
	if err != nil {
		return nil, err
	}
	values["type"], values["path"], values["encryptionKey"] = o.provider, o.bucket, o.encryptionKey
	data := map[string][]byte{}
	for key, value := range values {
		data[key] = []byte(value)
	}
	return data, nil
}

func (o *objectStore) providerValues() (map[string]string, error) {
	switch storkv1alpha1.BackupLocationType(o.provider) {
	case storkv1alpha1.BackupLocationS3:
		return o.s3Values()
	case storkv1alpha1.BackupLocationAzure:
		return map[string]string{"storageAccountName": o.azureAccountName, "storageAccountKey": o.azureAccountKey}, required(
			parameter{"azure-account-name", o.azureAccountName, "Account Name missing for Azure"},
			parameter{"azure-account-key", o.azureAccountKey, "Account Key missing for Azure"})
	case storkv1alpha1.BackupLocationGoogle:
		return o.googleValues()
	default:
		return nil, missingParameter("provider", "External objectstore provider needs to be either of azure, google, s3")
	}
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
	return values, required(
		parameter{"s3-access-key", o.s3AccessKey, "Access Key missing for S3"},
		parameter{"s3-secret-key", o.s3SecretKey, "Secret Key missing for S3"},
		parameter{"s3-endpoint", o.s3Endpoint, "Endpoint missing for S3"},
		parameter{"s3-region", o.s3Region, "Region missing for S3"},
		parameter{"bucket", o.bucket, "Bucket missing for S3: the BackupLocation would lead nowhere"})
}

func (o *objectStore) googleValues() (map[string]string, error) {
	if err := required(
		parameter{"google-project-id", o.googleProjectID, "Project ID missing for Google"},
		parameter{"google-key-file-path", o.googleKeyFile, "Json key file path missing for Google"}); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(o.googleKeyFile)
	if err != nil {
		return nil, fmt.Errorf("failed to read json key file: %w", err)
	}
	return map[string]string{"projectID": o.googleProjectID, "accountKey": string(key)}, nil
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
