package tenant_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// tenant is a user who owns a namespace at the source, and one of the same name at the destination.
type tenant struct {
	// name of the user and of the namespaces.
	name string
	// here acts as the user at the source.
	here client.Client
}

// newTenant makes a tenant with two ConfigMaps and a Secret to migrate.
func newTenant(ctx context.Context, name string) *tenant {
	GinkgoHelper()
	for _, c := range []client.Client{here, there} {
		createNamespace(ctx, c, name, map[string]string{"team": name})
	}
	bind(ctx, here, name, name, "admin")
	owner := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "owner"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}},
	}
	Expect(there.Create(ctx, owner)).To(Succeed())
	Expect(there.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: owner.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: owner.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}},
	})).To(Succeed())
	config, err := source.UserConfig(name)
	Expect(err).NotTo(HaveOccurred())
	t := &tenant{name: name}
	t.here, err = localgodwit.Client(config)
	Expect(err).NotTo(HaveOccurred())
	t.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "one"}, Data: map[string]string{"owner": name}})
	t.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "two"}, Data: map[string]string{"owner": name}})
	t.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "hidden"}, Data: map[string][]byte{"value": []byte(planted("secret of " + name))}})
	return t
}

// bind gives a user a ClusterRole in a namespace.
func bind(ctx context.Context, c client.Client, namespace, user, role string) {
	GinkgoHelper()
	Expect(c.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user + "-" + role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	})).To(Succeed())
}

// create makes an object in the tenant's namespace as the tenant. Rights take effect a moment after they were given.
func (t *tenant) create(ctx context.Context, object client.Object) {
	GinkgoHelper()
	object.SetNamespace(t.name)
	Eventually(func() error { return t.here.Create(ctx, object) }).WithContext(ctx).Should(Succeed())
}

// kubeconfig leads to a server as one that the tenant wrote.
type kubeconfig struct {
	cluster clientcmdapi.Cluster
	user    clientcmdapi.AuthInfo
}

func (k *kubeconfig) config() *clientcmdapi.Config {
	config := clientcmdapi.NewConfig()
	config.Clusters["c"], config.AuthInfos["u"] = &k.cluster, &k.user
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	return config
}

// inline is the form that Stork has.
func (k *kubeconfig) inline() *runtime.RawExtension {
	GinkgoHelper()
	content, err := json.Marshal(k.config())
	Expect(err).NotTo(HaveOccurred())
	return &runtime.RawExtension{Raw: content}
}

// file is the form that kubectl has.
func (k *kubeconfig) file() []byte {
	GinkgoHelper()
	content, err := clientcmd.Write(*k.config())
	Expect(err).NotTo(HaveOccurred())
	return content
}

// honest is the kubeconfig of the tenant for the true destination.
func (t *tenant) honest() *kubeconfig {
	GinkgoHelper()
	config, err := destination.UserConfig(t.name)
	Expect(err).NotTo(HaveOccurred())
	block, _ := pem.Decode(config.KeyData)
	plant("client key "+t.name, base64.StdEncoding.EncodeToString(block.Bytes)[20:60])
	return &kubeconfig{
		cluster: clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData},
		user:    clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData},
	}
}

// pair creates a ClusterPair whose kubeconfig is inline.
func (t *tenant) pair(ctx context.Context, name string, k *kubeconfig) *storkv1alpha1.ClusterPair {
	GinkgoHelper()
	pair := t.newPair(name, k)
	t.create(ctx, pair)
	return pair
}

func (t *tenant) newPair(name string, k *kubeconfig) *storkv1alpha1.ClusterPair {
	GinkgoHelper()
	return &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.name, Name: name}, Spec: storkv1alpha1.ClusterPairSpec{Config: k.inline()},
	}
}

// expectRefusal tries to create a ClusterPair that is refused at once.
func (t *tenant) expectRefusal(ctx context.Context, name string, k *kubeconfig, message string) {
	GinkgoHelper()
	Eventually(func() error { return t.here.Create(ctx, t.newPair(name, k)) }).WithContext(ctx).Should(MatchError(ContainSubstring(message)))
}

// pairBySecret creates one whose kubeconfig is in a Secret.
func (t *tenant) pairBySecret(ctx context.Context, name string, k *kubeconfig) *storkv1alpha1.ClusterPair {
	GinkgoHelper()
	t.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{"kubeconfig": k.file()}})
	pair := &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: name}},
	}
	t.create(ctx, pair)
	return pair
}

// expectPair waits for the state and the message of a pair.
func expectPair(ctx context.Context, pair *storkv1alpha1.ClusterPair, reason, message string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(pair), pair)).To(Succeed())
		ready := apimeta.FindStatusCondition(pair.Status.Conditions, storkv1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil(), pair.Name)
		g.Expect(ready.Reason).To(Equal(reason), "%s: %s", pair.Name, ready.Message)
		g.Expect(ready.Message).To(ContainSubstring(message), pair.Name)
	}).WithContext(ctx).Should(Succeed())
}

// migrate creates a Migration of the tenant's namespace as the tenant.
func (t *tenant) migrate(ctx context.Context, name, pair string, change func(*storkv1alpha1.Migration)) *storkv1alpha1.Migration {
	GinkgoHelper()
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       storkv1alpha1.MigrationSpec{ClusterPair: pair, Namespaces: []string{t.name}, IncludeVolumes: new(false)},
	}
	if change != nil {
		change(migration)
	}
	t.create(ctx, migration)
	return migration
}

// expectEnd waits until a Migration is Final.
func expectEnd(ctx context.Context, migration *storkv1alpha1.Migration, status storkv1alpha1.MigrationStatusType) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), messageOf(migration))
	}).WithContext(ctx).Should(Succeed())
	Expect(migration.Status.Status).To(Equal(status), messageOf(migration))
}

// expectMessage waits until a Migration says something.
func expectMessage(ctx context.Context, migration *storkv1alpha1.Migration, message string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(messageOf(migration)).To(ContainSubstring(message))
	}).WithContext(ctx).Should(Succeed())
}

// messageOf returns all that the status of a Migration tells in words.
func messageOf(migration *storkv1alpha1.Migration) string {
	var all []string
	for _, condition := range migration.Status.Conditions {
		if condition.Type == storkv1alpha1.ConditionSucceeded {
			all = append(all, condition.Reason+": "+condition.Message)
		}
	}
	for _, resource := range migration.Status.Resources {
		if resource.Status == storkv1alpha1.MigrationStatusFailed {
			all = append(all, fmt.Sprintf("%s %s: %s", resource.Kind, resource.Name, resource.Reason))
		}
	}
	return strings.Join(append(all, migration.Status.Notices...), "\n")
}

// neighbour is the tenant who means well.
var neighbour *tenant

func startNeighbour(ctx context.Context) {
	GinkgoHelper()
	neighbour = newTenant(ctx, "neighbour")
	expectPair(ctx, neighbour.pair(ctx, "remote", neighbour.honest()), storkv1alpha1.ReasonReady, "")
}

var neighbourMigrations int

// expectService has the neighbour migrate a change, by the same process as ever, which has kept within its memory.
func expectService(ctx context.Context) {
	GinkgoHelper()
	neighbourMigrations++
	number := fmt.Sprint(neighbourMigrations)
	neighbour.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "change-" + number}})
	expectEnd(ctx, neighbour.migrate(ctx, "m-"+number, "remote", nil), storkv1alpha1.MigrationStatusSuccessful)
	Expect(there.Get(ctx, client.ObjectKey{Namespace: neighbour.name, Name: "change-" + number}, &corev1.ConfigMap{})).To(Succeed())
	GinkgoWriter.Printf("The operator had at most %d MiB\n", peakMemory()>>20)
	Expect(peakMemory()).To(BeNumerically("<", memoryLimit))
}

// peakMemory is the largest memory that the operator ever had, in bytes. It fails if the operator is gone.
func peakMemory() int64 {
	GinkgoHelper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", operator.PID()))
	Expect(err).NotTo(HaveOccurred(), "the operator has ended")
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	Expect(found).To(BeTrue(), "the operator has ended")
	var kilobytes int64
	_, err = fmt.Sscan(rest, &kilobytes)
	Expect(err).NotTo(HaveOccurred())
	return kilobytes << 10
}
