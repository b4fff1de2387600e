package cli

import (
	"context"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var errWrite = errors.New("this write fails")

// failingWrites counts the writes of both clusters, and fails the one of that number.
type failingWrites struct {
	count, fails int
	// lost lets the server do what it was asked for before the failure.
	lost bool
}

func (f *failingWrites) wrap(c client.Client) client.Client {
	fail := func(write func() error) error {
		if f.count++; f.count != f.fails {
			return write()
		}
		if f.lost {
			Expect(write()).To(Succeed())
		}
		return errWrite
	}
	return interceptor.NewClient(c.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			return fail(func() error {
				if f.lost && f.count == f.fails {
					object = object.DeepCopyObject().(client.Object)
				}
				return c.Create(ctx, object, options...)
			})
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return fail(func() error { return c.Patch(ctx, object, patch, options...) })
		},
	})
}

var _ = Describe("a pairing whose writes fail", func() {
	newPairing := func(namespace string) *pairing {
		GinkgoHelper()
		o := &createClusterPair{
			globals:     &globals{Options: Options{IOStreams: genericiooptions.IOStreams{Out: &buffer{}, ErrOut: &buffer{}}}, namespace: namespace},
			source:      sideFlags{kubeFile: here.KubeconfigFile(), endpoint: "a:1", token: "t"},
			destination: sideFlags{kubeFile: there.KubeconfigFile(), endpoint: "b:1", token: "t"},
			mode:        modeAsyncDR,
			store:       objectStore{provider: "azure", bucket: "b", azureAccountName: "n", azureAccountKey: "k"},
		}
		p, err := o.prepare([]string{"remote"})
		Expect(err).NotTo(HaveOccurred())
		return p
	}
	// left returns what the command left behind in a cluster.
	left := func(ctx context.Context, c client.Client, namespace string) (all []string) {
		GinkgoHelper()
		for _, list := range []client.ObjectList{&storkv1alpha1.ClusterPairList{}, &storkv1alpha1.BackupLocationList{}, &corev1.SecretList{}} {
			Expect(c.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
			for _, object := range items(list) {
				all = append(all, fmt.Sprintf("%T %s", object, object.GetName()))
			}
		}
		return all
	}

	for _, lost := range []bool{false, true} {
		It(fmt.Sprintf("leaves nothing behind in either cluster, whichever of them it is, the answer being lost: %t", lost), func(ctx SpecContext) {
			writes := 0
			for fails := 1; ; fails++ {
				namespace := newNamespace(ctx, hereClient, nil)
				p := newPairing(namespace)
				w := &failingWrites{fails: fails, lost: lost}
				p.from.client, p.to.client = w.wrap(p.from.client), w.wrap(p.to.client)
				err := p.create(ctx)
				if w.count < fails {
					Expect(err).NotTo(HaveOccurred())
					break
				}
				writes++
				Expect(err).To(MatchError(errWrite), "write %d", fails)
				undone := p.undo(ctx)
				made := &corev1.Namespace{}
				isThere := thereClient.Get(ctx, client.ObjectKey{Name: namespace}, made) == nil && made.DeletionTimestamp.IsZero()
				// The first write is that of the namespace, and only who made it may remove it.
				Expect(isThere).To(Equal(lost && fails == 1), "write %d", fails)
				Expect(undone != nil).To(Equal(lost && fails == 1), "write %d: %v", fails, undone)
				Expect(left(ctx, hereClient, namespace)).To(BeEmpty(), "write %d", fails)
				Expect(left(ctx, thereClient, namespace)).To(BeEmpty(), "write %d", fails)
			}
			Expect(writes).To(Equal(11), "a namespace, two Secrets and BackupLocations, and for each pair its Secret, itself, and who owns the Secret")
		})
	}

	It("is completed by a repetition when it was killed, wherever that was", func(ctx SpecContext) {
		for fails := 1; fails <= 11; fails++ {
			namespace := newNamespace(ctx, hereClient, nil)
			p := newPairing(namespace)
			w := &failingWrites{fails: fails, lost: true}
			p.from.client, p.to.client = w.wrap(p.from.client), w.wrap(p.to.client)
			Expect(p.create(ctx)).To(MatchError(errWrite))
			Expect(newPairing(namespace).create(ctx)).To(Succeed(), "write %d", fails)
			for _, c := range []client.Client{hereClient, thereClient} {
				pair, secret := &storkv1alpha1.ClusterPair{}, &corev1.Secret{}
				Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "remote"}, pair)).To(Succeed())
				Expect(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: pair.Spec.KubeconfigSecretRef.Name}, secret)).To(Succeed())
				Expect(secret.OwnerReferences).To(HaveExactElements(HaveField("UID", pair.UID)))
			}
		}
	})
})
