package portworx

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

func backupLocation(kind storkv1alpha1.BackupLocationType) client.Object {
	return &storkv1alpha1.BackupLocation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "backups"},
		Location:   storkv1alpha1.BackupLocationItem{Type: kind},
	}
}

func TestPairsTakesOptionsWithAToken(t *testing.T) {
	for name, tc := range map[string]struct {
		options map[string]string
		want    bool
	}{
		"a token":                            {map[string]string{"token": "t"}, true},
		"an empty token, to say so":          {map[string]string{"token": ""}, true},
		"a token and this driver":            {map[string]string{"token": "t", "driver": "portworx"}, true},
		"a token and another driver":         {map[string]string{"token": "t", "driver": "direct"}, false},
		"this driver without a token":        {map[string]string{"driver": "portworx"}, false},
		"what storkctl generates to fill in": {map[string]string{"insert_storage_options_here": ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&Driver{}).Pairs(tc.options); got != tc.want {
				t.Errorf("Pairs = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestPairPassesOptionsOn(t *testing.T) {
	for name, tc := range map[string]struct {
		options        map[string]string
		wantMode       openstorage.ClusterPairMode_Mode
		wantCredential string
	}{
		"mode DisasterRecovery":          {nil, openstorage.ClusterPairMode_DisasterRecovery, ""},
		"mode OneTimeMigration":          {map[string]string{"mode": "OneTimeMigration"}, openstorage.ClusterPairMode_OneTimeMigration, ""},
		"no mode":                        {map[string]string{"mode": ""}, openstorage.ClusterPairMode_Default, ""},
		"no port, which is 9001":         {map[string]string{"port": ""}, openstorage.ClusterPairMode_DisasterRecovery, ""},
		"a BackupLocation as credential": {map[string]string{"backuplocation": "backups"}, openstorage.ClusterPairMode_DisasterRecovery, "k8s/shop/backups"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, backupLocation(storkv1alpha1.BackupLocationS3))
			pairing, err := b.driver.Pair(t.Context(), newPair(tc.options))
			if err != nil {
				t.Fatal(err)
			}
			if pairing != (volume.Pairing{RemoteID: remoteID, Done: true}) {
				t.Errorf("pairing = %+v", pairing)
			}
			info, _ := b.source.Pair(remoteID)
			if info.GetMode() != tc.wantMode || info.GetOptions()["CredName"] != tc.wantCredential || info.GetToken() != remoteToken {
				t.Errorf("Portworx was told %v", info)
			}
		})
	}
}

func TestPairRefusesBadOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		options  map[string]string
		location storkv1alpha1.BackupLocationType
		words    []string
	}{
		"no address":                      {options: map[string]string{"ip": ""}, words: []string{"option ip is missing"}},
		"no token":                        {options: map[string]string{"token": ""}, words: []string{"option token is empty", "pxctl cluster token show"}},
		"a port that is no number":        {options: map[string]string{"port": "many"}, words: []string{"option port", "9001"}},
		"a port out of range":             {options: map[string]string{"port": "65536"}, words: []string{"option port"}},
		"port 0":                          {options: map[string]string{"port": "0"}, words: []string{"option port"}},
		"an unknown mode":                 {options: map[string]string{"mode": "disasterrecovery"}, words: []string{"option mode", "DisasterRecovery", "OneTimeMigration"}},
		"a BackupLocation that is not":    {options: map[string]string{"backuplocation": "backup"}, location: "s3", words: []string{"backuplocation", "does not exist", "shop"}},
		"a BackupLocation on NFS":         {options: map[string]string{"backuplocation": "backups"}, location: "nfs", words: []string{"backuplocation", "nfs", "s3"}},
		"an address where nobody answers": {options: map[string]string{"ip": "192.0.2.99"}, words: []string{"pairing storage", "connection refused"}},
		"itself":                          {options: map[string]string{"ip": "192.0.2.1"}, words: []string{"pair with self"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			if tc.location != "" {
				b.driver = b.newDriver(nil, backupLocation(tc.location))
			}
			pairing, err := b.driver.Pair(t.Context(), newPair(tc.options))
			if err == nil {
				t.Fatalf("no error but %+v", pairing)
			}
			mention(t, err.Error(), tc.words...)
			for _, value := range []string{remoteToken, remoteIP, "192.0.2.99"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("%q holds an option's value", err)
				}
			}
		})
	}
}

func TestPairWithAWrongTokenIsNotPermitted(t *testing.T) {
	b := newBench(t, nil)
	_, err := b.driver.Pair(t.Context(), newPair(map[string]string{"token": "of-yesterday"}))
	if !errors.Is(err, volume.ErrPermission) {
		t.Fatalf("err = %v, want ErrPermission", err)
	}
	mention(t, err.Error(), "Token mismatch during pairing", "option token")
}

func TestPairNeverShowsTheToken(t *testing.T) {
	b := newBench(t, nil)
	b.source.Fault(func(string, any) error {
		return status.Error(codes.Internal, "cannot log on to "+remoteIP+" as "+remoteToken)
	})
	_, err := b.driver.Pair(t.Context(), newPair(nil))
	if err == nil || strings.Contains(err.Error(), remoteToken) || strings.Contains(err.Error(), remoteIP) {
		t.Errorf("err = %v", err)
	}
	mention(t, err.Error(), "cannot log on to (option ip) as (option token)")
}

func TestPairInAnotherModeIsRefused(t *testing.T) {
	b := newBench(t, nil)
	b.paired()
	for _, same := range []map[string]string{nil, {"mode": ""}} {
		if _, err := b.driver.Pair(t.Context(), newPair(same)); err != nil {
			t.Errorf("pairing again with %v: %v", same, err)
		}
	}
	_, err := b.driver.Pair(t.Context(), newPair(map[string]string{"mode": "OneTimeMigration"}))
	if err == nil {
		t.Fatal("Portworx keeps mode DisasterRecovery, and nobody is told")
	}
	mention(t, err.Error(), remoteID, "DisasterRecovery", "create them anew")
}

func TestPairTellsWhenItCannotLookAtThePair(t *testing.T) {
	b := newBench(t, nil)
	b.source.Fault(func(method string, _ any) error {
		if method == "OpenStorageClusterPair/Inspect" {
			return status.Error(codes.Unavailable, "Resource has not been initialized")
		}
		return nil
	})
	if _, err := b.driver.Pair(t.Context(), newPair(nil)); !errors.Is(err, volume.ErrUnreachable) {
		t.Errorf("err = %v, want ErrUnreachable", err)
	}
}

func TestPairEndsWithItsContext(t *testing.T) {
	b := newBench(t, nil)
	if _, err := b.driver.Pair(canceled(t), newPair(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestUnpair(t *testing.T) {
	t.Run("has Portworx forget the pair", func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.driver.Unpair(t.Context(), b.paired()); err != nil {
			t.Fatal(err)
		}
		if info, found := b.source.Pair(remoteID); found {
			t.Errorf("the pair is still there: %v", info)
		}
	})
	t.Run("is done where the pair is gone", func(t *testing.T) {
		b := newBench(t, nil)
		pair := b.paired()
		b.source.ForgetPairs()
		if err := b.driver.Unpair(t.Context(), pair); err != nil {
			t.Error(err)
		}
	})
	t.Run("asks nobody where nothing was paired", func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.driver.Unpair(t.Context(), newPair(nil)); err != nil || len(b.source.Calls()) > 0 {
			t.Errorf("err = %v after %v", err, b.source.Calls())
		}
	})
	t.Run("is done where Portworx was removed", func(t *testing.T) {
		b := newBench(t, nil)
		pair := b.paired()
		b.driver = b.newDriver(func(config *Config) { config.Endpoint = "" })
		if err := b.driver.Unpair(t.Context(), pair); err != nil {
			t.Error(err)
		}
	})
	t.Run("fails while Portworx does not answer", func(t *testing.T) {
		b := newBench(t, nil)
		pair := b.paired()
		b.stop()
		if err := b.driver.Unpair(t.Context(), pair); !errors.Is(err, volume.ErrUnreachable) {
			t.Errorf("err = %v, want ErrUnreachable", err)
		}
	})
}
