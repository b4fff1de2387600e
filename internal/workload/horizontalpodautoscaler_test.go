package workload

import "testing"

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
