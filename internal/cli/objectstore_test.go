package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObjectStoreSecret(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(keyFile, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s3 := objectStore{provider: "s3", s3AccessKey: "a", s3SecretKey: "s", s3Endpoint: "e", s3Region: "r"}
	nfs := objectStore{provider: "nfs", nfs: nfsStore{
		server: "nfs.example.com", exportPath: "/exports/dr", subPath: "shop", mountOptions: "nfsvers=4.1", timeoutSeconds: 5}}
	without := func(change func(*objectStore)) objectStore {
		o := s3
		change(&o)
		return o
	}
	tests := map[string]struct {
		store   objectStore
		want    map[string]string
		wantErr string
	}{
		"s3": {store: s3, want: map[string]string{
			"type": "s3", "path": "", "encryptionKey": "", "accessKeyID": "a", "secretAccessKey": "s", "endpoint": "e", "region": "r", "disableSSL": "false"}},
		"azure": {store: objectStore{provider: "azure", bucket: "b", azureAccountName: "n", azureAccountKey: "k"}, want: map[string]string{
			"type": "azure", "path": "b", "encryptionKey": "", "storageAccountName": "n", "storageAccountKey": "k"}},
		"google": {store: objectStore{provider: "google", encryptionKey: "e", googleProjectID: "p", googleKeyFile: keyFile}, want: map[string]string{
			"type": "google", "path": "", "encryptionKey": "e", "projectID": "p", "accountKey": "{}"}},
		"nfs": {store: nfs, want: map[string]string{
			"type": "nfs", "path": "/exports/dr", "encryptionKey": "", "serverAddr": "nfs.example.com", "subPath": "shop", "mountOptions": "nfsvers=4.1", "nfsIOTimeoutInSecs": "5"}},
		"s3 without keys": {store: without(func(o *objectStore) { o.s3AccessKey, o.s3SecretKey, o.workloadIdentity = "", "", true }), want: map[string]string{
			"type": "s3", "path": "", "encryptionKey": "", "accessKeyID": "", "secretAccessKey": "", "endpoint": "e", "region": "r", "disableSSL": "false"}},
		"google without keys": {store: objectStore{provider: "google", googleProjectID: "p", workloadIdentity: true}, want: map[string]string{
			"type": "google", "path": "", "encryptionKey": "", "projectID": "p"}},
		"no provider":        {wantErr: `missing parameter "provider" - External objectstore provider needs to be either of azure, google, nfs, s3`},
		"another provider":   {store: objectStore{provider: "ftp"}, wantErr: `missing parameter "provider" - External objectstore provider needs to be either of azure, google, nfs, s3`},
		"s3 without access":  {store: without(func(o *objectStore) { o.s3AccessKey = "" }), wantErr: `missing parameter "s3-access-key" - Access Key missing for S3`},
		"s3 without secret":  {store: without(func(o *objectStore) { o.s3SecretKey = "" }), wantErr: `missing parameter "s3-secret-key" - Secret Key missing for S3`},
		"s3 without where":   {store: without(func(o *objectStore) { o.s3Endpoint = "" }), wantErr: `missing parameter "s3-endpoint" - Endpoint missing for S3`},
		"s3 without region":  {store: without(func(o *objectStore) { o.s3Region = "" }), wantErr: `missing parameter "s3-region" - Region missing for S3`},
		"azure without name": {store: objectStore{provider: "azure"}, wantErr: `missing parameter "azure-account-name" - Account Name missing for Azure`},
		"azure without key":  {store: objectStore{provider: "azure", azureAccountName: "n"}, wantErr: `missing parameter "azure-account-key" - Account Key missing for Azure`},
		"azure without container": {store: objectStore{provider: "azure", azureAccountName: "n", azureAccountKey: "k"},
			wantErr: `missing parameter "bucket" - Container missing for Azure: create one there and give its name`},
		"keys and an identity": {store: without(func(o *objectStore) { o.workloadIdentity = true }),
			wantErr: "--use-workload-identity and --s3-access-key exclude each other: provide one of them"},
		"nfs without a server": {store: objectStore{provider: "nfs"}, wantErr: `missing parameter "nfs-server" - Server missing for NFS`},
		"nfs without a path": {store: objectStore{provider: "nfs", nfs: nfsStore{server: "s"}},
			wantErr: `missing parameter "nfs-export-path" - Export path missing for NFS`},
		"nfs that waits too long": {store: objectStore{provider: "nfs", nfs: nfsStore{server: "s", exportPath: "/e", timeoutSeconds: 31}},
			wantErr: "invalid --nfs-timeout-seconds 31: provide a number of seconds from 1 to 30"},
		"nfs with a bucket": {store: objectStore{provider: "nfs", bucket: "b"},
			wantErr: "--bucket is not for provider nfs: provide --nfs-export-path and --nfs-sub-path instead"},
		"nfs with an identity": {store: objectStore{provider: "nfs", workloadIdentity: true},
			wantErr: "--use-workload-identity is not for provider nfs, which has no credentials: leave it out"},
		"google without project": {
			store: objectStore{provider: "google"}, wantErr: `missing parameter "google-project-id" - Project ID missing for Google`},
		"google without key": {
			store: objectStore{provider: "google", googleProjectID: "p"}, wantErr: `missing parameter "google-key-file-path" - Json key file path missing for Google`},
		"google without the key's file": {
			store: objectStore{provider: "google", googleProjectID: "p", googleKeyFile: "/no/such"}, wantErr: "failed to read json key file: open /no/such: no such file or directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.store.secretData()
			if test.wantErr != "" {
				if err == nil || err.Error() != test.wantErr {
					t.Fatalf("got error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text := map[string]string{}
			for key, value := range got {
				text[key] = string(value)
			}
			if diff := cmp.Diff(test.want, text); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}
