package localcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/godwit-io/godwit/test/leak"
)

// parentEnv turns this test binary into a program that starts a cluster, prints the process ids, and waits.
const parentEnv = "LOCALCLUSTER_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		beParent()
	}
	code := m.Run()
	for _, c := range sharedClusters {
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := leak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func beParent() {
	c, err := Start(context.Background(), Options{Name: "orphans", ControllerManager: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(c.Processes()); err != nil {
		os.Exit(1)
	}
	select {}
}

// sharedClusters serve the tests that do not need a cluster of their own, because a start takes seconds: one with a
// controller manager and a bare one. Empty until a test asks for them.
var sharedClusters []*Cluster

func shared(t *testing.T) (managed, bare *Cluster) {
	t.Helper()
	if sharedClusters == nil {
		clusters, err := StartAll(t.Context(),
			Options{Name: "managed", ControllerManager: true, Progress: os.Stderr},
			Options{Name: "bare", Progress: os.Stderr})
		if err != nil {
			t.Fatal(err)
		}
		sharedClusters = clusters
	}
	return sharedClusters[0], sharedClusters[1]
}

func TestClustersServeThePinnedVersionAndTheirOwnObjects(t *testing.T) {
	managed, bare := shared(t)
	serviceIPs := map[string]bool{}
	for _, c := range []*Cluster{managed, bare} {
		client := clientFor(t, c.Config())
		version, err := client.Discovery().ServerVersion()
		if err != nil || version.GitVersion != Version {
			t.Errorf("version %v, %v; want %s", version, err, Version)
		}
		// The same name in each: a shared etcd would refuse the second.
		createConfigMap(t, client, "same-name")
		eventually(t, "the Service kubernetes has an address", func(ctx context.Context) (bool, error) {
			service, err := client.CoreV1().Services("default").Get(ctx, "kubernetes", metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			if err == nil {
				serviceIPs[service.Spec.ClusterIP] = true
			}
			return err == nil, err
		})
	}
	if len(serviceIPs) != 2 {
		t.Errorf("service networks are not distinct: %v", serviceIPs)
	}
}

func TestPodNeedsNoServiceAccountWithoutControllerManager(t *testing.T) {
	_, c := shared(t)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nothing"}}},
	}
	if _, err := clientFor(t, c.Config()).CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}

func TestControllersFillAndDeleteNamespaces(t *testing.T) {
	c, _ := shared(t)
	client := clientFor(t, c.Config())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "short-lived"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace has its default service account", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(namespace.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, ignoreNotFound(err)
	})
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	})
}

func TestHostPathVolumesAreProvisioned(t *testing.T) {
	c, _ := shared(t)
	client := clientFor(t, c.Config())
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "host-path"}, Provisioner: "kubernetes.io/host-path"}
	if _, err := client.StorageV1().StorageClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "claim"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class.Name,
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
	claims := client.CoreV1().PersistentVolumeClaims("default")
	if _, err := claims.Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var volume string
	eventually(t, "the claim is bound", func(ctx context.Context) (bool, error) {
		got, err := claims.Get(ctx, claim.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		volume = got.Spec.VolumeName
		return got.Status.Phase == corev1.ClaimBound, nil
	})
	// Deleted, so that the provisioner removes the folder below /tmp/hostpath_pv.
	if err := claims.Delete(t.Context(), claim.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the volume is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
		return apierrors.IsNotFound(err), ignoreNotFound(err)
	})
}

func TestUserMayOnlyDoWhatRBACGrants(t *testing.T) {
	_, c := shared(t)
	const group = "readers"
	config, err := c.UserConfig("jane", group)
	if err != nil {
		t.Fatal(err)
	}
	content, err := c.UserKubeconfig("joe", group)
	if err != nil {
		t.Fatal(err)
	}
	fromKubeconfig, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]kubernetes.Interface{"jane": clientFor(t, config), "joe": clientFor(t, fromKubeconfig)}
	list := func(ctx context.Context, user string) error {
		_, err := users[user].CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
		return err
	}
	for user := range users {
		if err := list(t.Context(), user); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), user) {
			t.Errorf("%s without RBAC: got %v, want Forbidden for that name", user, err)
		}
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: group},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: group},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: group},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}},
	}
	rbac := clientFor(t, c.Config()).RbacV1()
	_, roleErr := rbac.Roles("default").Create(t.Context(), role, metav1.CreateOptions{})
	_, bindingErr := rbac.RoleBindings("default").Create(t.Context(), binding, metav1.CreateOptions{})
	if err := errors.Join(roleErr, bindingErr); err != nil {
		t.Fatal(err)
	}
	for user := range users {
		eventually(t, user+" may read", func(ctx context.Context) (bool, error) {
			err := list(ctx, user)
			if apierrors.IsForbidden(err) {
				return false, nil // The authorizer learns of the binding by a watch.
			}
			return err == nil, err
		})
	}
}

func TestKubectlWorksWithTheKubeconfig(t *testing.T) {
	c, _ := shared(t)
	content, err := os.ReadFile(c.KubeconfigFile())
	if err != nil || string(content) != string(c.Kubeconfig()) {
		t.Errorf("the file differs from Kubeconfig (%v)", err)
	}
	out, err := exec.CommandContext(t.Context(), c.KubectlPath(), "--kubeconfig", c.KubeconfigFile(), "--context", "managed",
		"auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").CombinedOutput()
	if err != nil || string(out) != adminUser {
		t.Errorf("kubectl says %q, %v; want %s", out, err, adminUser)
	}
}

func TestDataSurviveStopsAndKillsOfProcesses(t *testing.T) {
	c, _ := shared(t)
	client := clientFor(t, c.Config())
	createConfigMap(t, client, "survivor")
	before := c.Processes()

	if err := c.StopProcess(APIServer); err != nil {
		t.Fatal(err)
	}
	if pids := c.Processes(); len(pids) != 2 || pids[APIServer] != 0 {
		t.Errorf("after the stop of the API server these run: %v", pids)
	}
	if _, err := client.Discovery().ServerVersion(); err == nil {
		t.Error("the API server answers after its stop")
	}
	if err := c.StartProcess(t.Context(), APIServer); err != nil {
		t.Fatal(err)
	}
	expectConfigMap(t, client, "survivor")

	if err := syscall.Kill(c.Processes()[Etcd], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "etcd is gone", func(context.Context) (bool, error) { return c.Processes()[Etcd] == 0, nil })
	if err := c.StartProcess(t.Context(), Etcd); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the API server works with the new etcd", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ConfigMaps("default").Get(ctx, "survivor", metav1.GetOptions{})
		return err == nil, nil // Its connection is still the old one at first.
	})

	if err := errors.Join(c.StopProcess(ControllerManager), c.StartProcess(t.Context(), ControllerManager)); err != nil {
		t.Fatal(err)
	}
	for name, pid := range c.Processes() {
		if pid == before[name] {
			t.Errorf("%s has not been restarted", name)
		}
	}
	if err := c.StopProcess("kubelet"); err == nil {
		t.Error("a process that clusters do not have can be stopped")
	}
}

func TestStopLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	c, err := Start(t.Context(), Options{ControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	pids := c.Processes()
	if len(pids) != 3 {
		t.Errorf("got processes %v, want three", pids)
	}
	began := time.Now()
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("stopped in %s", time.Since(began))
	for name, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("%s (%d) still runs", name, pid)
		}
	}
	expectEmpty(t, temp)
}

func TestStartKeepsAGivenFolderAndRefusesAUsedOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	c, err := Start(t.Context(), Options{Dir: dir, Fsync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "log", APIServer+".log")); err != nil {
		t.Errorf("the log is gone: %v", err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("got error %v, want that the folder is not empty", err)
	}
}

func clientFor(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func createConfigMap(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func expectConfigMap(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// eventually polls until condition holds. Only an error of condition or a minute without success fail the test.
func eventually(t *testing.T, what string, condition wait.ConditionWithContextFunc) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, condition); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%s holds %v (%v), want nothing", dir, entries, err)
	}
}
