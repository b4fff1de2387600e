package resourcetransformation

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	ready      = storkv1alpha1.ResourceTransformationStatusReady
	failed     = storkv1alpha1.ResourceTransformationStatusFailed
	inProgress = storkv1alpha1.ResourceTransformationStatusInProgress
)

var _ = Describe("Reconcile", func() {
	var f *fixture

	BeforeEach(func(ctx SpecContext) { f = newFixture(ctx) })

	deployment := func(ctx SpecContext, name string) *appsv1.Deployment {
		GinkgoHelper()
		labels := map[string]string{"app": name}
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name, Labels: labels},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.example/c:1"}}},
				},
			},
		}
		Expect(k8s.Create(ctx, d)).To(Succeed())
		return d
	}

	It("finds a change ready that the API server accepts, and changes nothing", func(ctx SpecContext) {
		d := deployment(ctx, "web")
		transformation := f.judge(ctx, spec("apps/v1/Deployment", add("spec.template.spec.containers[0].image", "string", "mirror.example/c:1")))
		message := expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(message).To(Equal("the dry run passed (objects tried: 1)"))
		Expect(transformation.Finalizers).To(ConsistOf(storkv1alpha1.FinalizerCleanup))
		Expect(transformation.Status.Resources).To(HaveExactElements(&storkv1alpha1.TransformResourceInfo{
			Name: "web", Namespace: f.namespace, Group: "apps", Version: "v1", Kind: "Deployment", Status: ready,
			Specs: &transformation.Spec.Objects[0],
		}))
		after := &appsv1.Deployment{}
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(d), after)).To(Succeed())
		Expect(after.ResourceVersion).To(Equal(d.ResourceVersion))
		Expect(f.recorder.Events).To(Receive(Equal("Normal Ready the dry run passed (objects tried: 1)")))
	})

	It("finds a change of a custom resource ready", func(ctx SpecContext) {
		widget := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.com/v2", "kind": "Widget",
			"metadata": map[string]any{"namespace": f.namespace, "name": "w"}, "spec": map[string]any{"size": int64(1)},
		}}
		Expect(k8s.Create(ctx, widget)).To(Succeed())
		transformation := f.judge(ctx, spec("example.com/v2/Widget", add("spec.colour", "string", "red"), add("spec.size", "int", "3")))
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(transformation.Status.Resources).To(HaveExactElements(HaveField("Kind", "Widget")))
	})

	It("finds a JSON patch ready, which Stork refuses", func(ctx SpecContext) {
		f.configMap(ctx, "a", nil, nil)
		transformation := f.judge(ctx, spec("/v1/ConfigMap", storkv1alpha1.ResourcePath{
			Operation: storkv1alpha1.TransformJSONPatch, Value: `[{"op":"add","path":"/data","value":{"x":"y"}}]`,
		}))
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(transformation.Status.Resources).To(HaveExactElements(HaveField("Name", "a")))
	})

	for _, path := range []storkv1alpha1.ResourcePath{
		{Path: "spec.x", Type: "int", Value: "1", Operation: "multiply"},
		{Path: "spec.x", Type: "float", Value: "1", Operation: "add"},
	} {
		It(fmt.Sprintf("is not even asked about operation %s of type %s", path.Operation, path.Type), func(ctx SpecContext) {
			err := k8s.Create(ctx, &storkv1alpha1.ResourceTransformation{
				ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "change"},
				Spec:       storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{spec("/v1/ConfigMap", path)}},
			})
			Expect(err).To(Satisfy(apierrors.IsInvalid))
		})
	}

	for name, problem := range map[string]string{"unknown-operation": "multiply", "unknown-type": "float"} {
		It("fails one with an "+name+" that Stork left behind, although Stork found it ready", func(ctx SpecContext) {
			old := &storkv1alpha1.ResourceTransformation{ObjectMeta: metav1.ObjectMeta{Namespace: storks, Name: name}}
			transformation, err := f.reconcile(ctx, old)
			Expect(err).NotTo(HaveOccurred())
			Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonInvalidSpec)).To(ContainSubstring(problem))
			Expect(f.recorder.Events).To(Receive(And(
				HavePrefix("Warning Failed Unsupported resource for resource transformation found: "), ContainSubstring(problem))))
		})
	}

	It("tries one again that Stork found ready", func(ctx SpecContext) {
		old := &storkv1alpha1.ResourceTransformation{ObjectMeta: metav1.ObjectMeta{Namespace: storks, Name: "ready"}}
		transformation, err := f.reconcile(ctx, old)
		Expect(err).NotTo(HaveOccurred())
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
	})

	It("fails a change that the API server refuses, with its words, and heals by an edit", func(ctx SpecContext) {
		deployment(ctx, "web")
		f.configMap(ctx, "a", nil, nil)
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x", "string", "y")), spec("apps/v1/Deployment", add("spec.replicas", "int", "-1")))
		message := expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)
		Expect(message).To(HavePrefix("the dry run failed (objects refused: 1 of 2), first for Deployment " + f.namespace + "/web: "))
		Expect(message).To(ContainSubstring("spec.replicas: Invalid value: -1: must be greater than or equal to 0"))
		Expect(transformation.Status.Resources).To(HaveExactElements(
			And(HaveField("Name", "web"), HaveField("Status", failed), HaveField("Reason", ContainSubstring("must be greater than or equal to 0"))),
			And(HaveField("Name", "a"), HaveField("Status", ready), HaveField("Reason", ""))))
		Expect(f.recorder.Events).To(Receive(Equal("Warning Failed Unsupported resource for resource transformation found: " + message)))

		transformation.Spec.Objects[1].Paths[0].Value = "3"
		Expect(k8s.Update(ctx, transformation)).To(Succeed())
		transformation, err := f.reconcile(ctx, transformation)
		Expect(err).NotTo(HaveOccurred())
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(transformation.Generation).To(BeNumerically("==", 2))
		Expect(transformation.Status.Resources).To(HaveEach(HaveField("Status", ready)))
	})

	It("judges again one that failed, when the object that was refused is mended", func(ctx SpecContext) {
		now := clocktesting.NewFakeClock(time.Now().Truncate(time.Second))
		f.reconciler.Clock = now
		configMap := f.configMap(ctx, "a", nil, map[string]string{"x": "text"})
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x.y", "string", "z")))
		expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)
		Expect(f.recorder.Events).To(Receive())
		Expect(f.next).To(Equal(time.Minute))
		for _, step := range []struct{ passes, next time.Duration }{{time.Minute, time.Minute}, {time.Minute, 2 * time.Minute}, {time.Hour, 10 * time.Minute}} {
			now.Step(step.passes)
			again, err := f.reconcile(ctx, transformation)
			Expect(err).NotTo(HaveOccurred())
			Expect(again.ResourceVersion).To(Equal(transformation.ResourceVersion), "nothing has changed")
			Expect(f.next).To(Equal(step.next))
		}
		Expect(f.recorder.Events).NotTo(Receive())

		Expect(k8s.Delete(ctx, configMap)).To(Succeed())
		healed, err := f.reconcile(ctx, transformation)
		Expect(err).NotTo(HaveOccurred())
		expectVerdict(healed, ready, storkv1alpha1.ReasonValidated)
		Expect(healed.Generation).To(Equal(transformation.Generation))
		Expect(f.recorder.Events).To(Receive(HavePrefix("Normal Ready ")))
		Expect(f.next).To(BeZero())
	})

	It("shows nothing of a second look while it goes on", func(ctx SpecContext) {
		f.configMap(ctx, "a", nil, map[string]string{"x": "text"})
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x.y", "string", "z")))
		flaky := rest.CopyConfig(config)
		flaky.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return &unavailable{next: next, method: http.MethodGet, times: 1}
		})
		f.reconciler.Dynamic = dynamicFor(flaky)
		again, err := f.reconcile(ctx, transformation)
		Expect(err).To(HaveOccurred())
		Expect(again.ResourceVersion).To(Equal(transformation.ResourceVersion))
	})

	It("does not look again at one whose specs are wrong", func(ctx SpecContext) {
		expectVerdict(f.judge(ctx, spec("/v1/ConfigMap", add("data..x[", "string", "y"))), failed, storkv1alpha1.ReasonInvalidSpec)
		Expect(f.next).To(BeZero())
	})

	It("leaves alone what it has judged", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("apps/v1/Deployment", add("spec.replicas", "int", "-1")))
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		deployment(ctx, "web")
		again, err := f.reconcile(ctx, transformation)
		Expect(err).NotTo(HaveOccurred())
		Expect(again.ResourceVersion).To(Equal(transformation.ResourceVersion))
	})

	It("fails a field that the kind does not have", func(ctx SpecContext) {
		deployment(ctx, "web")
		transformation := f.judge(ctx, spec("apps/v1/Deployment", add("spec.replcas", "int", "2")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring(`unknown field "spec.replcas"`))
	})

	It("fails a path that an object has no place for, and still tries the others", func(ctx SpecContext) {
		f.configMap(ctx, "a", nil, map[string]string{"x": "text"})
		f.configMap(ctx, "b", nil, nil)
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x.y", "string", "z"), add("metadata.annotations.n", "string", "m")))
		expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)
		Expect(transformation.Status.Resources).To(HaveExactElements(
			And(HaveField("Name", "a"), HaveField("Reason", ContainSubstring("data.x"))), HaveField("Name", "b")))
	})

	It("accepts for a new object what cannot be changed of an existing one", func(ctx SpecContext) {
		claim := &corev1.PersistentVolumeClaim{
			// The name must still be one when it is cut off after 40 characters.
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: strings.Repeat("x", 39) + ".long"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: new("slow"),
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}
		Expect(k8s.Create(ctx, claim)).To(Succeed())
		transformation := f.judge(ctx, spec("/v1/PersistentVolumeClaim", add("spec.storageClassName", "string", "fast")))
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(transformation.Status.Resources).To(HaveExactElements(
			HaveField("Reason", HavePrefix("accepted as a new object; the existing one could not be changed: "))))
		claims := &corev1.PersistentVolumeClaimList{}
		Expect(k8s.List(ctx, claims, client.InNamespace(f.namespace))).To(Succeed())
		Expect(claims.Items).To(HaveExactElements(HaveField("ResourceVersion", claim.ResourceVersion)))
	})

	It("does not refuse a new Service for the node ports of the existing one", func(ctx SpecContext) {
		kubernetes := &corev1.Service{}
		Expect(k8s.Get(ctx, client.ObjectKey{Namespace: "default", Name: "kubernetes"}, kubernetes)).To(Succeed())
		address, err := netip.ParseAddr(kubernetes.Spec.ClusterIP)
		Expect(err).NotTo(HaveOccurred())
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "web"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
		}
		Expect(k8s.Create(ctx, service)).To(Succeed())
		transformation := f.judge(ctx, spec("/v1/Service", add("spec.clusterIP", "string", address.Next().String())))
		expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		Expect(transformation.Status.Resources).To(HaveExactElements(HaveField("Reason", HavePrefix("accepted as a new object; "))))
	})

	It("refuses a new Service whose node ports do not suit it", func(ctx SpecContext) {
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "web"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
		}
		Expect(k8s.Create(ctx, service)).To(Succeed())
		transformation := f.judge(ctx, spec("/v1/Service", add("spec.type", "string", "ClusterIP"), add("spec.clusterIP", "string", "None")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring("may not be used when `type` is 'ClusterIP'"))
	})

	It("tells of an invalid value also where the field cannot be changed", func(ctx SpecContext) {
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "data"},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}
		Expect(k8s.Create(ctx, claim)).To(Succeed())
		transformation := f.judge(ctx, spec("/v1/PersistentVolumeClaim", add("spec.accessModes", "slice", "Sometimes")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring(`Unsupported value: "Sometimes"`))
	})

	It("does all that several specs say of one object, in one trial", func(ctx SpecContext) {
		f.configMap(ctx, "both", map[string]string{"one": "x", "two": "x"}, nil)
		f.configMap(ctx, "one", map[string]string{"one": "x"}, nil)
		f.configMap(ctx, "two", map[string]string{"two": "x"}, nil)
		f.configMap(ctx, "none", nil, nil)
		first, second := spec("/v1/ConfigMap", add("data.x", "slice", "a")), spec("/v1/ConfigMap", add("data.x", "string", "b"))
		first.Selectors, second.Selectors = map[string]string{"one": "x"}, map[string]string{"two": "x"}
		transformation := f.judge(ctx, first, second)
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring("refused: 1 of 3"))
		Expect(transformation.Status.Resources).To(HaveExactElements(
			And(HaveField("Name", "one"), HaveField("Status", failed), HaveField("Specs.Paths", HaveLen(1))),
			And(HaveField("Name", "both"), HaveField("Status", ready), HaveField("Specs.Paths", HaveLen(2))),
			And(HaveField("Name", "two"), HaveField("Status", ready), HaveField("Specs.Paths", HaveLen(1)))))
	})

	It("tries all of many objects and names 200, failures first", func(ctx SpecContext) {
		// The three big ones become too big.
		for i := range 250 {
			data := map[string]string{}
			if i >= 247 {
				data["big"] = strings.Repeat("x", 1<<20-1)
			}
			f.configMap(ctx, fmt.Sprintf("c%03d", i), nil, data)
		}
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.more", "string", "more")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring("(objects refused: 3 of 250)"))
		resources := transformation.Status.Resources
		Expect(resources).To(HaveLen(200))
		Expect(resources[:3]).To(HaveExactElements(HaveField("Name", "c247"), HaveField("Name", "c248"), HaveField("Name", "c249")))
		Expect(resources[3:]).To(HaveEach(HaveField("Status", ready)))
	})

	It("does not repeat what the API server says of a Secret", func(ctx SpecContext) {
		Expect(k8s.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "s"}, StringData: map[string]string{"password": "hunter2"},
		})).To(Succeed())
		transformation := f.judge(ctx, spec("/v1/Secret", storkv1alpha1.ResourcePath{
			Operation: storkv1alpha1.TransformJSONPatch, Value: `[{"op":"add","path":"/metadata/labels","value":{}},{"op":"move","from":"/data/password","path":"/metadata/labels/p"}]`,
		}))
		message := expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)
		Expect(message).To(ContainSubstring("it is refused (Invalid); the message is withheld because it may quote the Secret"))
		Expect(transformation.Status.Resources[0].Reason).NotTo(ContainSubstring("aHVudGVyMg"))
	})

	It("fails a kind that is not served, and names all of them", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("apps/v9/Deployment", add("spec.replicas", "int", "1")),
			spec("/v1/ConfigMap", add("data.x", "string", "y")), spec("example.com/v1/Gadget", add("spec.x", "int", "1")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonInvalidSpec)).To(
			HavePrefix("this cluster does not serve apps/v9/Deployment, example.com/v1/Gadget: write group/version/Kind"))
		Expect(transformation.Status.Resources).To(BeEmpty())
	})

	It("fails a kind whose objects cannot be listed", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("authorization.k8s.io/v1/LocalSubjectAccessReview", add("spec.user", "string", "x")))
		Expect(expectVerdict(transformation, failed, storkv1alpha1.ReasonDryRunFailed)).To(ContainSubstring("listing objects of authorization.k8s.io/v1/LocalSubjectAccessReview"))
	})

	It("fails a path that cannot be read", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data..x[", "string", "y")))
		expectVerdict(transformation, failed, storkv1alpha1.ReasonInvalidSpec)
	})

	It("does not look at objects of kinds that are in no namespace", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("/v1/Namespace", add("metadata.labels.x", "string", "y")))
		Expect(expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)).To(ContainSubstring("(objects tried: 0); objects of /v1/Namespace are not tried, because they are in no namespace"))
		Expect(transformation.Status.Resources).To(BeEmpty())
	})

	It("looks at the objects of its own namespace only", func(ctx SpecContext) {
		f.configMap(ctx, "mine", nil, nil)
		other := newFixture(ctx)
		other.configMap(ctx, "theirs", nil, nil)
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x", "string", "y")))
		Expect(transformation.Status.Resources).To(HaveExactElements(HaveField("Name", "mine")))
	})

	for _, method := range []string{http.MethodGet, http.MethodPatch} {
		It("tries again when the API server cannot answer a "+method, func(ctx SpecContext) {
			f.configMap(ctx, "a", nil, nil)
			flaky := rest.CopyConfig(config)
			flaky.Wrap(func(next http.RoundTripper) http.RoundTripper {
				return &unavailable{next: next, method: method, times: 1}
			})
			f.reconciler.Dynamic = dynamicFor(flaky)
			transformation, err := f.reconcile(ctx, f.create(ctx, spec("/v1/ConfigMap", add("data.x", "string", "y"))))
			Expect(err).To(HaveOccurred())
			Expect(expectVerdict(transformation, inProgress, storkv1alpha1.ReasonInProgress)).To(HavePrefix("this will be tried again: "))
			transformation, err = f.reconcile(ctx, transformation)
			Expect(err).NotTo(HaveOccurred())
			expectVerdict(transformation, ready, storkv1alpha1.ReasonValidated)
		})
	}

	It("lets a deleted one go", func(ctx SpecContext) {
		transformation := f.judge(ctx, spec("/v1/ConfigMap", add("data.x", "string", "y")))
		Expect(k8s.Delete(ctx, transformation)).To(Succeed())
		Expect(k8s.Get(ctx, client.ObjectKeyFromObject(transformation), &storkv1alpha1.ResourceTransformation{})).To(Succeed())
		_, err := f.reconcile(ctx, transformation)
		Expect(err).NotTo(HaveOccurred())
		err = k8s.Get(ctx, client.ObjectKeyFromObject(transformation), &storkv1alpha1.ResourceTransformation{})
		Expect(err).To(Satisfy(apierrors.IsNotFound))
	})

	It("has nothing to do for one that is gone", func(ctx SpecContext) {
		_, err := f.reconcile(ctx, &storkv1alpha1.ResourceTransformation{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "gone"}})
		Expect(err).NotTo(HaveOccurred())
	})
})

var _ = Describe("SetupWithManager", func() {
	It("has creation, edits and deletion reconciled", func(ctx SpecContext) {
		f := newFixture(ctx)
		f.configMap(ctx, "a", nil, nil)
		mgr, err := ctrl.NewManager(config, ctrl.Options{
			Scheme: k8s.Scheme(), Metrics: server.Options{BindAddress: "0"},
			// The other tests reconcile what is theirs themselves.
			Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{f.namespace: {}}},
		})
		Expect(err).NotTo(HaveOccurred())
		r := &Reconciler{
			Client: mgr.GetClient(), Dynamic: dynamicFor(config), Mapper: mgr.GetRESTMapper(),
			Recorder: mgr.GetEventRecorder("godwit"), Clock: clock.RealClock{},
		}
		Expect(r.SetupWithManager(mgr, controller.Options{})).To(Succeed())
		stopped := make(chan error, 1)
		managerCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		go func() { stopped <- mgr.Start(managerCtx) }()
		DeferCleanup(func() {
			stop()
			Eventually(stopped).Should(Receive(BeNil()))
		})

		transformation := f.create(ctx, spec("/v1/ConfigMap", add("data.x", "slice", "y")))
		key := client.ObjectKeyFromObject(transformation)
		state := func() (storkv1alpha1.ResourceTransformationStatusType, error) {
			err := k8s.Get(ctx, key, transformation)
			return transformation.Status.Status, err
		}
		Eventually(state).Should(Equal(failed))
		transformation.Spec.Objects[0].Paths[0].Type = "string"
		Expect(k8s.Update(ctx, transformation)).To(Succeed())
		Eventually(state).Should(Equal(ready))
		Expect(k8s.Delete(ctx, transformation)).To(Succeed())
		Eventually(func() error { return k8s.Get(ctx, key, transformation) }).Should(Satisfy(apierrors.IsNotFound))
	})
})
