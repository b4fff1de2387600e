{{- /* kube-system by default: Helm itself would take the namespace "default", which nobody means. */ -}}
{{- define "godwit.namespace" -}}
{{ ternary "kube-system" .Release.Namespace (eq .Release.Namespace "default") }}
{{- end }}

{{- define "godwit.serviceAccount" -}}
{{ default .Release.Name .Values.serviceAccount.name }}
{{- end }}

{{- /* Who a role is bound to. */ -}}
{{- define "godwit.subjects" -}}
- {kind: ServiceAccount, name: {{ include "godwit.serviceAccount" . }}, namespace: {{ include "godwit.namespace" . }}}
{{- end }}

{{- define "godwit.selector" -}}
app.kubernetes.io/name: godwit
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "godwit.labels" -}}
{{ include "godwit.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{- /* The rules of a role that the controllers declare; files/role.yaml is generated from them. Takes the root and a name. */ -}}
{{- define "godwit.rules" -}}
{{- range splitList "\n---\n" ((index . 0).Files.Get "files/role.yaml") }}
{{- $role := fromYaml . }}
{{- if eq $role.metadata.name (index $ 1) }}{{ toYaml $role.rules }}{{ end }}
{{- end }}
{{- end }}
