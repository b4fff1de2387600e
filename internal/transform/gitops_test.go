package transform

import "testing"

func TestGitOps(t *testing.T) {
	runAll(t, gitOps{}, map[string]transformation{
		"marks of Argo CD go": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {app.kubernetes.io/instance: shop, app.kubernetes.io/name: web, argocd.argoproj.io/instance: shop}
  annotations: {argocd.argoproj.io/tracking-id: "shop:/ConfigMap:shop/c", argocd.argoproj.io/installation-id: x, argocd.argoproj.io/sync-wave: "2"}`,
			after: `
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {app.kubernetes.io/name: web}
  annotations: {argocd.argoproj.io/sync-wave: "2"}`,
		},
		"an instance label of another name is the user's": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {app.kubernetes.io/instance: web}
  annotations: {argocd.argoproj.io/tracking-id: "shop:/ConfigMap:shop/c"}`,
			after: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {app.kubernetes.io/instance: web}}}",
		},
		"an instance label beside another mark of Argo CD is Argo's": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata: {labels: {app.kubernetes.io/instance: web}, annotations: {argocd.argoproj.io/sync-options: Prune=false}}`,
			after: "{apiVersion: v1, kind: ConfigMap, metadata: {annotations: {argocd.argoproj.io/sync-options: Prune=false}}}",
		},
		"marks of Flux go and its settings stay": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {a: b, kustomize.toolkit.fluxcd.io/name: x, kustomize.toolkit.fluxcd.io/namespace: x, helm.toolkit.fluxcd.io/name: x}
  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}`,
			after: `
apiVersion: v1
kind: ConfigMap
metadata: {labels: {a: b}, annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}}`,
		},
		"marks of Helm stay, as its release travels along": {
			before: `
apiVersion: v1
kind: ConfigMap
metadata:
  labels: {app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: web}
  annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: shop}`,
		},
	})
}
