package transform

import "testing"

func TestClusterRoleBinding(t *testing.T) {
	runAll(t, clusterRoleBinding{namespaces: map[string]string{"shop": "shop"}}, map[string]transformation{
		"keeps service accounts of migrated namespaces in all their forms": {
			before: `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
subjects:
- {kind: ServiceAccount, name: app, namespace: shop}
- {kind: ServiceAccount, name: app, namespace: other}
- {kind: User, name: "system:serviceaccount:shop:app"}
- {kind: User, name: "system:serviceaccount:other:shop"}
- {kind: User, name: alice}
- {kind: Group, name: "system:serviceaccounts:shop"}
- {kind: Group, name: "system:serviceaccounts:other"}
- {kind: Group, name: "system:serviceaccounts"}
- nonsense`,
			after: `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
subjects:
- {kind: ServiceAccount, name: app, namespace: shop}
- {kind: User, name: "system:serviceaccount:shop:app"}
- {kind: Group, name: "system:serviceaccounts:shop"}`,
		},
		"grants nobody anything where no subject is migrated": {
			before: "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, subjects: [{kind: User, name: alice}]}",
			after:  "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, subjects: []}",
		},
		"is the only kind of binding that is reduced": {
			before: "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, subjects: [{kind: User, name: alice}]}",
		},
	})
}
