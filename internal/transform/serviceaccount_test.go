package transform

import "testing"

func TestServiceAccount(t *testing.T) {
	runAll(t, serviceAccount{}, map[string]transformation{
		"loses what was made for it and keeps the rest": {
			before: `
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, annotations: {openshift.io/internal-registry-pull-secret-ref: app-dockercfg-x1y2z}}
secrets: [{name: app-token-x1y2z}, {name: app-dockercfg-x1y2z}, {name: app-token}, {name: app-token-static}, {name: other-token-x1y2z}]
imagePullSecrets: [{name: app-dockercfg-x1y2z}, {name: registry}]`,
			after: `
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
secrets: [{name: app-token}, {name: app-token-static}, {name: other-token-x1y2z}]
imagePullSecrets: [{name: registry}]`,
		},
		"has no empty list left": {
			before: "{apiVersion: v1, kind: ServiceAccount, metadata: {name: app}, secrets: [{name: app-token-abcde}]}",
			after:  "{apiVersion: v1, kind: ServiceAccount, metadata: {name: app}}",
		},
	})
}
