package cli

import (
	"context"
	"errors"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
)

var _ = Describe("create clusterpair", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, nil)
	})
	run := func(ctx context.Context, args ...string) result {
		return storkctl(ctx, append([]string{"create", "clusterpair", "-n", namespace}, args...)...)
	}
	// pairUp pairs the two clusters.
	pairUp := func(ctx context.Context, args ...string) result {
		return run(ctx, append([]string{"remote", "--src-kube-file", here.KubeconfigFile(), "--dest-kube-file", there.KubeconfigFile()}, args...)...)
	}
	async := func(more ...string) []string {
		return append([]string{"--dest-ep", "dest.example.com:9001", "--dest-token", "dt", "--src-ep", "https://src.example.com", "--src-token", "st"}, more...)
	}
	s3 := []string{"-p", "s3", "--s3-access-key", "ak", "--s3-secret-key", "sk", "--s3-endpoint", "s3.example.com", "--s3-region", "r1", "--bucket", "b"}
	const (
		forthMessage = "ClusterPair remote created successfully. Direction Source -> Destination\n"
		backMessage  = "Cluster pair remote created successfully. Direction: Destination -> Source"
	)
	pair := func(ctx context.Context, c client.Client) *storkv1alpha1.ClusterPair {
		GinkgoHelper()
		p := &storkv1alpha1.ClusterPair{}
		Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "remote"}, p)).To(Succeed())
		return p
	}
	secret := func(ctx context.Context, c client.Client, name string) *corev1.Secret {
		GinkgoHelper()
		s := &corev1.Secret{}
		Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s)).To(Succeed())
		return s
	}
	// nothingIn checks that no object of the command is left in a cluster.
	nothingIn := func(ctx context.Context, c client.Client) {
		GinkgoHelper()
		for _, list := range []client.ObjectList{&storkv1alpha1.ClusterPairList{}, &storkv1alpha1.BackupLocationList{}, &corev1.SecretList{}} {
			Expect(c.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
			Expect(items(list)).To(BeEmpty())
		}
	}
	// serverOf returns which cluster the kubeconfig that a pair refers to leads to.
	serverOf := func(ctx context.Context, c client.Client) *rest.Config {
		GinkgoHelper()
		ref := pair(ctx, c).Spec.KubeconfigSecretRef
		config, err := clientcmd.RESTConfigFromKubeConfig(secret(ctx, c, ref.Name).Data[ref.Key])
		Expect(err).NotTo(HaveOccurred())
		return config
	}

	It("creates pairs that the operator accepts, in both forms", func(ctx SpecContext) {
		for _, form := range []string{"--inline-kubeconfig=false", "--inline-kubeconfig"} {
			Expect(pairUp(ctx, "--mode", "sync-dr", "-u", form).code).To(BeZero())
			p := pair(ctx, hereClient)
			cluster, err := remote.NewPool(hereClient, remote.Options{}).Get(ctx, p)
			Expect(err).NotTo(HaveOccurred())
			Expect(cluster.Config.Host).To(Equal(there.Config().Host))
			_, err = cluster.Probe(ctx, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(hereClient.Delete(ctx, p)).To(Succeed())
		}
	})

	It("says what is missing or wrong, in Stork's order", func(ctx SpecContext) {
		source, destination := here.KubeconfigFile(), there.KubeconfigFile()
		Expect(run(ctx)).To(Equal(fails("error: exactly one name needs to be provided for clusterpair name")))
		Expect(run(ctx, "pair_test").err).To(HavePrefix(`error: the Name "pair_test" is not valid: [a lowercase RFC 1123 subdomain `))
		Expect(storkctl(ctx, "create", "clusterpair", "pair", "-n", "a_b").err).To(HavePrefix(`error: the Namespace "a_b" is not valid: [`))
		Expect(run(ctx, "p", "--mode", "other")).To(Equal(fails("error: invalid mode other, mode value should either be async-dr, sync-dr or migration")))
		Expect(run(ctx, "p")).To(Equal(fails(`error: missing parameter "src-kube-file" - Kubeconfig file missing for source cluster`)))
		Expect(run(ctx, "p", "--src-kube-file", source)).To(Equal(fails(`error: missing parameter "dest-kube-file" - Kubeconfig file missing for destination cluster`)))
		Expect(run(ctx, "p", "--src-kube-file", source, "--dest-kube-file", "/./"+source)).To(Equal(fails("error: source kubeconfig file and destination kubeconfig file should be different")))
		copied := writeFile(here.Kubeconfig())
		Expect(run(ctx, "p", "--src-kube-file", source, "--dest-kube-file", copied)).To(Equal(fails("error: source kubeconfig and destination kubeconfig file should be different")))
		Expect(run(ctx, "p", "--src-kube-file", source, "--dest-kube-file", destination)).To(Equal(fails(
			`error: missing parameter "provider" - External objectstore provider needs to be either of azure, google, nfs, s3`)))
		Expect(pairUp(ctx, "--use-existing-objectstorelocation", "x")).To(Equal(fails(
			"error: missing parameter \"dest-token\" - Token of the destination's Portworx cluster missing: `pxctl cluster token show` prints it there. Without Portworx, use --mode sync-dr")))
		Expect(pairUp(ctx, "--use-existing-objectstorelocation", "x", "--dest-token", "t").err).To(HavePrefix(`error: missing parameter "src-token" - `))
		Expect(pairUp(ctx, "--use-existing-objectstorelocation", "x", "--dest-token", "t", "-u", "--dest-ep", "192.0.2.7")).To(Equal(fails(
			"error: port is needed along with ip address 192.0.2.7")))
		Expect(pairUp(ctx, "--mode", "sync-dr", "--project-mappings", "a")).To(Equal(fails(
			"error: invalid project-mappings provided: each item must have the form key=value, and items are separated by commas")))
		nothingIn(ctx, hereClient)
	})

	It("refuses Stork's deprecated flags in place of doing nothing", func(ctx SpecContext) {
		for flag, instead := range map[string]string{"src-ip": "src-ep", "src-port": "src-ep", "dest-ip": "dest-ep", "dest-port": "dest-ep"} {
			Expect(run(ctx, "p", "--"+flag, "1")).To(Equal(fails("error: --" + flag + " is not supported any more: provide --" + instead + " as host:port instead")))
		}
	})

	Context("sync-dr", func() {
		It("creates a pair without options in both clusters, and their namespace, and is repeatable", func(ctx SpecContext) {
			Expect(pairUp(ctx, "--mode", "sync-dr", "--annotations", "team=blue", "--project-mappings", "a=b")).To(Equal(succeeds(lines(forthMessage, backMessage))))
			p := pair(ctx, hereClient)
			Expect(p.Spec.Options).To(BeEmpty())
			Expect(p.Annotations).To(HaveKeyWithValue("team", "blue"))
			Expect(p.Spec.PlatformOptions.Rancher.ProjectMappings).To(Equal(map[string]string{"a": "b"}))
			Expect(pair(ctx, thereClient).Spec.PlatformOptions.Rancher.ProjectMappings).To(Equal(map[string]string{"b": "a"}))
			Expect(serverOf(ctx, hereClient).Host).To(Equal(there.Config().Host))
			Expect(serverOf(ctx, thereClient).Host).To(Equal(here.Config().Host))

			again := pairUp(ctx, "--mode", "sync-dr", "--project-mappings", "a=b")
			Expect(again).To(Equal(succeeds(lines(
				"ClusterPair remote is there already, as it should be. Direction: Source -> Destination",
				"ClusterPair remote is there already, as it should be. Direction: Destination -> Source"))))
			Expect(pair(ctx, hereClient).ResourceVersion).To(Equal(p.ResourceVersion))
			Expect(pairUp(ctx, "--mode", "sync-dr", "--project-mappings", "a=b", "--annotations", "team=red")).To(Equal(fails(
				"error: creating ClusterPair " + namespace + "/remote in the source cluster: it exists with another content: delete it, or choose another name")))
		})

		It("refuses to pair a cluster with itself, and with one that does not answer, before it creates anything", func(ctx SpecContext) {
			ensureNamespace(ctx, hereClient, metav1.NamespaceSystem)
			config, err := clientcmd.Load(here.Kubeconfig())
			Expect(err).NotTo(HaveOccurred())
			config.Contexts["again"] = config.Contexts[config.CurrentContext]
			same, err := clientcmd.Write(*config)
			Expect(err).NotTo(HaveOccurred())
			Expect(pairUp(ctx, "--mode", "sync-dr", "--dest-kube-file", writeFile(same))).To(Equal(fails(
				"error: source kubeconfig and destination kubeconfig lead to the same cluster: nothing was created")))
			for _, cluster := range config.Clusters {
				cluster.Server = "https://127.0.0.1:1"
			}
			gone, err := clientcmd.Write(*config)
			Expect(err).NotTo(HaveOccurred())
			file := writeFile(gone)
			got := pairUp(ctx, "--mode", "sync-dr", "-u", "--dest-kube-file", file)
			Expect(got.code).To(Equal(1))
			Expect(got.out).To(BeEmpty())
			Expect(got.err).To(And(HavePrefix("error: the destination cluster of kubeconfig "+file+": "), HaveSuffix("connection refused\n")))
			nothingIn(ctx, hereClient)
		})

		It("says that a pair was created only when nothing of it is removed again", func(ctx SpecContext) {
			ensureNamespace(ctx, thereClient, namespace)
			Expect(thereClient.Create(ctx, newPair(namespace, "remote", "", ""))).To(Succeed())
			got := pairUp(ctx, "--mode", "sync-dr")
			Expect(got.code).To(Equal(1))
			Expect(got.out).To(BeEmpty())
			nothingIn(ctx, hereClient)
		})

		It("makes the pair own its Secret, which no migration takes along", func(ctx SpecContext) {
			Expect(pairUp(ctx, "--mode", "sync-dr", "-u").code).To(BeZero())
			s := secret(ctx, hereClient, "remote-kubeconfig")
			Expect(s.OwnerReferences).To(HaveExactElements(HaveField("UID", pair(ctx, hereClient).UID)))
			Expect(s.Annotations).To(Equal(map[string]string{storkv1alpha1.AnnotationSkipResource: "true", storkv1alpha1.AnnotationCreatedByStork: "true"}))
		})

		It("leaves the destination alone with --unidirectional", func(ctx SpecContext) {
			Expect(pairUp(ctx, "--mode", "sync-dr", "-u")).To(Equal(succeeds(lines(forthMessage))))
			Expect(apierrors.IsNotFound(thereClient.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{}))).To(BeTrue())
		})

		It("puts the kubeconfig into the pair with --inline-kubeconfig", func(ctx SpecContext) {
			for range 2 {
				Expect(pairUp(ctx, "--mode", "sync-dr", "-u", "--inline-kubeconfig").code).To(BeZero())
			}
			p := pair(ctx, hereClient)
			Expect(p.Spec.KubeconfigSecretRef).To(BeNil())
			Expect(string(p.Spec.Config.Raw)).To(And(ContainSubstring(there.Config().Host), ContainSubstring(`"users":{"there-kubernetes-admin":{"client-certificate-data":`)))
			Expect(apierrors.IsNotFound(hereClient.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "remote-kubeconfig"}, &corev1.Secret{}))).To(BeTrue())
		})

		It("refuses mappings that have no way back, but not for one way", func(ctx SpecContext) {
			Expect(pairUp(ctx, "--mode", "sync-dr", "--project-mappings", "a=c,b=c")).To(Equal(fails(
				"error: invalid project-mappings provided: projects a and b both become c, so the way back is not known: use --unidirectional")))
			Expect(pairUp(ctx, "--mode", "sync-dr", "--project-mappings", "a=c,b=c", "-u").code).To(BeZero())
		})
	})

	Context("async-dr and migration", func() {
		It("describes the object store to both clusters and pairs both ways", func(ctx SpecContext) {
			got := pairUp(ctx, slices.Concat(async(), s3, []string{"--s3-storage-class", "COLD", "--encryption-key", "ek", "--disable-ssl"})...)
			Expect(got).To(Equal(succeeds(lines(
				"\nCreating Secret and ObjectstoreLocation in source cluster in namespace "+namespace+"...",
				"ObjectstoreLocation remote created on source cluster in namespace "+namespace+"\n",
				"Creating Secret and ObjectstoreLocation in destination cluster in namespace "+namespace+"...",
				"ObjectstoreLocation remote created on destination cluster in namespace "+namespace+"\n",
				"Creating a cluster pair. Direction: Source -> Destination", "Creating a cluster pair. Direction: Destination -> Source",
				forthMessage, backMessage))))
			Expect(pair(ctx, hereClient).Spec.Options).To(Equal(map[string]string{
				"ip": "dest.example.com", "port": "9001", "token": "dt", "mode": "DisasterRecovery", "backuplocation": "remote"}))
			Expect(pair(ctx, thereClient).Spec.Options).To(Equal(map[string]string{
				"ip": "https://src.example.com", "port": "443", "token": "st", "mode": "DisasterRecovery", "backuplocation": "remote"}))
			for _, c := range []client.Client{hereClient, thereClient} {
				location := &storkv1alpha1.BackupLocation{}
				Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "remote"}, location)).To(Succeed())
				Expect(location.Location).To(Equal(storkv1alpha1.BackupLocationItem{Type: "s3", SecretConfig: "remote"}))
				s := secret(ctx, c, "remote")
				Expect(s.Data).To(Equal(map[string][]byte{
					"type": []byte("s3"), "path": []byte("b"), "encryptionKey": []byte("ek"), "endpoint": []byte("s3.example.com"), "accessKeyID": []byte("ak"),
					"secretAccessKey": []byte("sk"), "region": []byte("r1"), "disableSSL": []byte("true"), "storageClass": []byte("COLD")}))
				for _, o := range []client.Object{location, s} {
					Expect(o.GetAnnotations()).To(Equal(map[string]string{storkv1alpha1.AnnotationSkipResource: "true", storkv1alpha1.AnnotationCreatedByStork: "true"}))
				}
			}
		})

		It("uses the object store that is named in both directions", func(ctx SpecContext) {
			ensureNamespace(ctx, thereClient, namespace)
			for _, c := range []client.Client{hereClient, thereClient} {
				s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "keys"}}
				Expect(c.Create(ctx, s)).To(Succeed())
				location := &storkv1alpha1.BackupLocation{Location: storkv1alpha1.BackupLocationItem{Type: "azure", SecretConfig: "keys"}}
				location.Namespace, location.Name = namespace, "ours"
				Expect(c.Create(ctx, location)).To(Succeed())
			}
			got := pairUp(ctx, async("--mode", "migration", "--use-existing-objectstorelocation", "ours")...)
			Expect(got).To(Equal(succeeds(lines(
				"Creating a cluster pair. Direction: Source -> Destination", "Creating a cluster pair. Direction: Destination -> Source",
				forthMessage, backMessage))))
			for _, c := range []client.Client{hereClient, thereClient} {
				Expect(pair(ctx, c).Spec.Options).To(And(HaveKeyWithValue("backuplocation", "ours"), HaveKeyWithValue("mode", "OneTimeMigration")))
			}
		})

		It("removes what it created when the named object store is missing on one side", func(ctx SpecContext) {
			location := &storkv1alpha1.BackupLocation{Location: storkv1alpha1.BackupLocationItem{Type: "s3"}}
			location.Namespace, location.Name = namespace, "ours"
			Expect(hereClient.Create(ctx, location)).To(Succeed())
			got := pairUp(ctx, async("--use-existing-objectstorelocation", "ours")...)
			Expect(got.code).To(Equal(1))
			Expect(got.err).To(Equal(lines(
				"removed again: Namespace "+namespace+" in the destination cluster",
				`error: input objectstoreLocation ours existence check failed with error in destination cluster: backuplocations.stork.libopenstorage.org "ours" not found`)))
		})

		It("refuses an object store of the same name with another content, and leaves it alone", func(ctx SpecContext) {
			location := &storkv1alpha1.BackupLocation{Location: storkv1alpha1.BackupLocationItem{Type: "azure"}}
			location.Namespace, location.Name = namespace, "remote"
			Expect(hereClient.Create(ctx, location)).To(Succeed())
			got := pairUp(ctx, async(s3...)...)
			Expect(got.code).To(Equal(1))
			Expect(got.err).To(ContainSubstring(`error: objectstoreLocation remote already exists in source cluster namespace ` + namespace +
				`, instead use "--use-existing-objectstorelocation remote" to use existing location` + "\n"))
			Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(location), location)).To(Succeed())
			Expect(apierrors.IsNotFound(hereClient.Get(ctx, client.ObjectKeyFromObject(location), &corev1.Secret{}))).To(BeTrue())
		})

		It("removes everything again, in both clusters, when the last step fails, and can be repeated", func(ctx SpecContext) {
			ensureNamespace(ctx, thereClient, namespace)
			other := newPair(namespace, "remote", "", "")
			Expect(thereClient.Create(ctx, other)).To(Succeed())
			got := pairUp(ctx, async(s3...)...)
			Expect(got.code).To(Equal(1))
			Expect(got.err).To(Equal(lines(
				"removed again: Secret "+namespace+"/remote-kubeconfig in the destination cluster",
				"removed again: ClusterPair "+namespace+"/remote in the source cluster",
				"removed again: Secret "+namespace+"/remote-kubeconfig in the source cluster",
				"removed again: BackupLocation "+namespace+"/remote in the destination cluster",
				"removed again: Secret "+namespace+"/remote in the destination cluster",
				"removed again: BackupLocation "+namespace+"/remote in the source cluster",
				"removed again: Secret "+namespace+"/remote in the source cluster",
				"error: creating ClusterPair "+namespace+"/remote in the destination cluster: it exists with another content: delete it, or choose another name")))
			nothingIn(ctx, hereClient)
			Expect(pair(ctx, thereClient).UID).To(Equal(other.UID))

			Expect(thereClient.Delete(ctx, other)).To(Succeed())
			Expect(pairUp(ctx, async(s3...)...).code).To(BeZero())
			again := pairUp(ctx, async(s3...)...)
			Expect(again.code).To(BeZero())
			Expect(again.out).To(ContainSubstring("ObjectstoreLocation remote is there already, as it should be, on destination cluster"))
		})

		It("removes what it created also after an interrupt", func(ctx SpecContext) {
			interrupted, interrupt := context.WithCancel(ctx)
			in := &side{name: "source", client: hereClient}
			p := &pairing{createClusterPair: &createClusterPair{globals: &globals{Options: Options{}}}}
			errOut := &buffer{}
			p.ErrOut = errOut
			s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "s"}}
			_, created, err := ensure(interrupted, &p.journal, in, s)
			Expect(created, err).To(BeTrue())
			interrupt()
			Expect(p.undo(interrupted)).To(Succeed())
			Expect(errOut.String()).To(Equal("removed again: Secret " + namespace + "/s in the source cluster\n"))
			nothingIn(ctx, hereClient)
		})

		It("removes what it created although the answer was lost, and nobody else's", func(ctx SpecContext) {
			lossy := interceptor.NewClient(hereClient, interceptor.Funcs{
				Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
					copied := o.DeepCopyObject().(client.Object)
					if copied.GetName() == "others" {
						copied.(*corev1.Secret).Data = map[string][]byte{"not": []byte("ours")}
					}
					return errors.Join(c.Create(ctx, copied, options...), errors.New("connection lost"))
				},
			})
			p := &pairing{createClusterPair: &createClusterPair{globals: &globals{Options: Options{}}}}
			errOut := &buffer{}
			p.ErrOut = errOut
			for _, name := range []string{"ours", "others"} {
				s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
				_, created, err := ensure(ctx, &p.journal, &side{name: "source", client: lossy}, s)
				Expect(created).To(BeFalse())
				Expect(err).To(MatchError(ContainSubstring("connection lost")))
			}
			Expect(p.undo(ctx)).To(Succeed())
			Expect(errOut.String()).To(Equal("removed again: Secret " + namespace + "/ours in the source cluster\n"))
			Expect(secret(ctx, hereClient, "others")).NotTo(BeNil())
		})

		It("leaves a namespace of which it is not known who made it, and says so", func(ctx SpecContext) {
			p := &pairing{createClusterPair: &createClusterPair{globals: &globals{Options: Options{}}}}
			in := &side{name: "source", client: hereClient}
			p.journal.entries = append(p.journal.entries, journalEntry{side: in, object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}})
			Expect(p.undo(ctx)).To(MatchError("removing Namespace " + namespace +
				" in the source cluster again: whether it was created here is not known, since the answer was lost; delete it by hand"))
			made := &corev1.Namespace{}
			Expect(hereClient.Get(ctx, client.ObjectKey{Name: namespace}, made)).To(Succeed())
			Expect(made.DeletionTimestamp.IsZero()).To(BeTrue())
		})

		It("tells who gives no bucket what that means", func(ctx SpecContext) {
			got := pairUp(ctx, async(append(s3[:len(s3)-2:len(s3)-2], "-u")...)...)
			Expect(got.code).To(BeZero())
			Expect(got.err).To(Equal("note: no --bucket is given, so the storage driver has to make a bucket of its own for each direction\n"))
		})

		It("needs no keys with the identity that the cloud gives", func(ctx SpecContext) {
			got := pairUp(ctx, async("-u", "-p", "s3", "--use-workload-identity", "--s3-endpoint", "e", "--s3-region", "r", "--bucket", "b", "--skip-validation")...)
			Expect(got.code).To(BeZero(), got.err)
			location := &storkv1alpha1.BackupLocation{}
			Expect(thereClient.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "remote"}, location)).To(Succeed())
			Expect(location.Location).To(Equal(storkv1alpha1.BackupLocationItem{Type: "s3", SecretConfig: "remote", UseWorkloadIdentity: true}))
		})

		It("finds endpoints behind a load balancer and behind a cluster address", func(ctx SpecContext) {
			portworxService(ctx, hereClient, corev1.ServiceTypeLoadBalancer, "lb.example.com")
			portworxService(ctx, thereClient, corev1.ServiceTypeClusterIP, "192.0.2.8")
			got := pairUp(ctx, slices.Concat([]string{"--dest-token", "dt", "--src-token", "st"}, s3)...)
			Expect(got.code).To(BeZero(), got.err)
			Expect(got.out).To(HavePrefix(lines("Source portworx endpoint is lb.example.com:9020", "Destination portworx endpoint is 192.0.2.8:9001")))
			Expect(pair(ctx, hereClient).Spec.Options).To(And(HaveKeyWithValue("ip", "192.0.2.8"), HaveKeyWithValue("port", "9001")))
			Expect(pair(ctx, thereClient).Spec.Options).To(And(HaveKeyWithValue("ip", "lb.example.com"), HaveKeyWithValue("port", "9020")))
		})

		It("asks for an endpoint that it cannot find", func(ctx SpecContext) {
			flags := slices.Concat([]string{"--dest-token", "dt", "-u"}, s3)
			Expect(pairUp(ctx, flags...)).To(Equal(fails(
				"error: unable to get portworx endpoint in destination cluster. Err: unable to retrieve portworx-api service: there is none labelled name=portworx-api")))
			portworxService(ctx, thereClient, corev1.ServiceTypeNodePort, "")
			Expect(pairUp(ctx, flags...)).To(Equal(fails(
				"error: unable to get portworx endpoint in destination cluster. Err: an explicit portworx endpoint is required when portworx-api service type is NodePort")))
			nothingIn(ctx, hereClient)
		})
	})
})

// portworxService creates the Service of a Portworx cluster, until the spec ends.
func portworxService(ctx context.Context, c client.Client, kind corev1.ServiceType, address string) {
	GinkgoHelper()
	namespace := newNamespace(ctx, c, nil)
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "portworx-api", Labels: map[string]string{"name": "portworx-api"}}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: kind, Ports: []corev1.ServicePort{{Name: "other", Port: 1}, {Name: "px-api", Port: 9020}}}}
	Expect(c.Create(ctx, service)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(c.Delete(ctx, service)).To(Succeed()) })
	switch kind {
	case corev1.ServiceTypeLoadBalancer:
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: address}}
		Expect(c.Status().Update(ctx, service)).To(Succeed())
	case corev1.ServiceTypeClusterIP:
		Expect(c.Create(ctx, &discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "px", Labels: map[string]string{discoveryv1.LabelServiceName: "portworx-api"}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{
				{Addresses: []string{"192.0.2.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(false)}},
				{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}},
			},
			Ports: []discoveryv1.EndpointPort{{Name: new("other"), Port: new(int32(1))}, {Name: new("px-api"), Port: new(int32(9001))}},
		})).To(Succeed())
	}
}
