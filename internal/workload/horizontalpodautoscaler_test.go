package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func TestHorizontalPodAutoscalerComesBackWithoutWhatTheServerFilledIn(t *testing.T) {
	autoscaler := objecttest.Parse(t, `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  annotations:
    stork.libopenstorage.org/spec.behavior.scaleUp.selectPolicy: ",Disabled"
    stork.libopenstorage.org/spec.behavior.scaleDown.selectPolicy: ",Disabled"
spec:
  maxReplicas: 3
  behavior:
    scaleUp: {selectPolicy: Disabled, stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 4, periodSeconds: 15}]}
    scaleDown: {selectPolicy: Disabled, policies: [{type: Percent, value: 100, periodSeconds: 15}]}`)
	if changed, err := Resume(autoscaler, Registrations{}); !changed || err != nil {
		t.Fatalf("changed %t, error %v", changed, err)
	}
	if diff := cmp.Diff(map[string]any{"maxReplicas": int64(3)}, autoscaler.Object["spec"]); diff != "" {
		t.Errorf("unexpected spec (-want,+got):\n%s", diff)
	}
}

func TestHorizontalPodAutoscaler(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"scales neither up nor down while suspended": {
			before: "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {maxReplicas: 3}}",
			suspended: `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  annotations:
    stork.libopenstorage.org/spec.behavior.scaleUp.selectPolicy: ",Disabled"
    stork.libopenstorage.org/spec.behavior.scaleDown.selectPolicy: ",Disabled"
spec: {maxReplicas: 3, behavior: {scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Disabled}}}`,
		},
		"gets its own policies back": {
			before: `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {behavior: {scaleUp: {selectPolicy: Min, stabilizationWindowSeconds: 5}, scaleDown: {selectPolicy: Disabled}}}`,
			suspended: `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  annotations:
    stork.libopenstorage.org/spec.behavior.scaleUp.selectPolicy: "Min,Disabled"
    stork.libopenstorage.org/spec.behavior.scaleDown.selectPolicy: "Disabled,Disabled"
spec: {behavior: {scaleUp: {selectPolicy: Disabled, stabilizationWindowSeconds: 5}, scaleDown: {selectPolicy: Disabled}}}`,
		},
	} {
		t.Run(name, tc.run)
	}
}
