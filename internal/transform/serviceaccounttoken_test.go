package transform

import "testing"

func TestServiceAccountToken(t *testing.T) {
	runAll(t, serviceAccountToken{}, map[string]transformation{
		"is left to the destination": {
			before: `
apiVersion: v1
kind: Secret
metadata:
  name: app-token
  annotations: {kubernetes.io/service-account.name: app, kubernetes.io/service-account.uid: u}
  labels: {kubernetes.io/legacy-token-last-used: "2026-01-01", kubernetes.io/legacy-token-invalid-since: "2026-01-01"}
type: kubernetes.io/service-account-token
data: {token: eA==, ca.crt: eA==, namespace: eA==}`,
			after: `
apiVersion: v1
kind: Secret
metadata: {name: app-token, annotations: {kubernetes.io/service-account.name: app}}
type: kubernetes.io/service-account-token`,
		},
		"keeps what a user put beside it": {
			before: "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, data: {token: eA==, mine: eA==}}",
			after:  "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, data: {mine: eA==}}",
		},
		"of another type is none": {before: "{apiVersion: v1, kind: Secret, type: Opaque, data: {token: eA==}}"},
	})
}
