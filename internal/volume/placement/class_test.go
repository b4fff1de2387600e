package placement

import (
	"strings"
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/godwit-io/godwit/internal/volume"
)

func unchanged(*volume.Move) {}

func TestClaimHasAClassOfTheDestination(t *testing.T) {
	for name, tc := range map[string]struct {
		change    func(*volume.Move)
		classes   []storagev1.StorageClass
		want      string
		wantError string
	}{
		"the one that is wanted, before all others": {
			change:  func(move *volume.Move) { move.Target.StorageClass = new("slow") },
			classes: []storagev1.StorageClass{newClass("fast"), newClass("slow")}, want: "slow",
		},
		"none where none is wanted": {
			change:  func(move *volume.Move) { move.Target.StorageClass = new("") },
			classes: []storagev1.StorageClass{newClass("fast")},
		},
		"an error where the wanted one is missing": {
			change:    func(move *volume.Move) { move.Target.StorageClass = new("slow") },
			classes:   []storagev1.StorageClass{newClass("z"), newClass("fast")},
			wantError: "shall have StorageClass slow at the destination, where there are StorageClasses fast, z",
		},
		"the one of the same name, whoever provisions it": {
			change: unchanged, classes: []storagev1.StorageClass{newClass("csi", by(csiDriver), byDefault(1)), newClass("fast")}, want: "fast",
		},
		"the one of the name in the old annotation": {
			change:  func(move *volume.Move) { move.Claim.Annotations = map[string]string{annotationBetaClass: "old"} },
			classes: []storagev1.StorageClass{newClass("fast"), newClass("old")}, want: "old",
		},
		"the first one of the same CSI driver": {
			change: unchanged, classes: []storagev1.StorageClass{newClass("c", byDefault(1)), newClass("b", by(csiDriver)), newClass("a", by(csiDriver))}, want: "a",
		},
		"the default one of the same CSI driver": {
			change: unchanged, classes: []storagev1.StorageClass{newClass("a", by(csiDriver)), newClass("b", by(csiDriver), byDefault(1))}, want: "b",
		},
		"one of the provisioner that made the volume": {
			change: func(move *volume.Move) {
				move.Volume.Spec.CSI, move.Volume.Annotations = nil, map[string]string{annotationProvisionedBy: "rancher.io/local-path"}
			},
			classes: []storagev1.StorageClass{newClass("a", byDefault(1)), newClass("b", by("rancher.io/local-path"))}, want: "b",
		},
		"one of the provisioner of the source's class": {
			change: func(move *volume.Move) {
				move.Volume, move.Class = nil, &storagev1.StorageClass{Provisioner: csiDriver}
			},
			classes: []storagev1.StorageClass{newClass("a", byDefault(1)), newClass("b", by(csiDriver))}, want: "b",
		},
		"the default, not one without a provisioner": {
			change: func(move *volume.Move) {
				move.Volume, move.Class = nil, &storagev1.StorageClass{Provisioner: noProvisioner}
			},
			classes: []storagev1.StorageClass{newClass("a", by(noProvisioner)), newClass("b", byDefault(1))}, want: "b",
		},
		"the youngest of several defaults": {
			change: unchanged, classes: []storagev1.StorageClass{newClass("a", byDefault(1)), newClass("b", byDefault(2)), newClass("c", byDefault(1))}, want: "b",
		},
		"the default for a claim of which nothing is known": {
			change:  func(move *volume.Move) { move.Volume, move.Claim.Spec.StorageClassName = nil, nil },
			classes: []storagev1.StorageClass{newClass("a"), newClass("b", byDefault(1))}, want: "b",
		},
		"an error where nothing fits": {
			change: unchanged, classes: []storagev1.StorageClass{newClass("z")},
			wantError: `here/data has StorageClass "fast", for which the destination has no class of the same name or provisioner`,
		},
		"an error where there is no class": {change: unchanged, wantError: "there there is no StorageClass: name one in spec.volumes.storageClassMappings"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Claim(newMove(tc.change), tc.classes, resource.Quantity{})
			switch {
			case tc.wantError != "":
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Errorf("error %v, want one with %q", err, tc.wantError)
				}
			case err != nil:
				t.Error(err)
			case got.Spec.StorageClassName == nil || *got.Spec.StorageClassName != tc.want:
				t.Errorf("class %v, want %q", got.Spec.StorageClassName, tc.want)
			}
		})
	}
}

func TestClaimLeavesTheOrderOfClassesAlone(t *testing.T) {
	classes := []storagev1.StorageClass{newClass("z"), newClass("a", byDefault(1))}
	if _, err := Claim(newMove(), classes, resource.Quantity{}); err != nil {
		t.Fatal(err)
	}
	if classes[0].Name != "z" {
		t.Error("the classes were sorted")
	}
}
