package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/volume/fake"
)

// maxEffects is more than a Migration with volumes has; that it suffices is part of the specs.
const maxEffects = 40

// crashAnywhere crashes the operator in Migrations with volumes, in each one effect later, until one needs no more effects. After
// each crash it does something with what is left.
func crashAnywhere(ctx context.Context, after func(crashed *operator, migration *storkv1alpha1.Migration)) {
	GinkgoHelper()
	for lives := 1; ; lives++ {
		Expect(lives).To(BeNumerically("<", maxEffects))
		By(fmt.Sprintf("crashing after %d effects", lives))
		operator, migration := startOperator(newJournal(), lives), newVolumeMigration(ctx, nil)
		operator.work(ctx, migration)
		if migration.Status.Stage == storkv1alpha1.MigrationStageFinal {
			return
		}
		after(operator, migration)
	}
}

var _ = Describe("A Migration with volumes of a storage driver", func() {
	var journal *journal
	BeforeEach(func() { journal = newJournal() })

	It("runs the rules around the start of the copy, waits for the data, and brings the objects after them", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		namespace := types.NamespacedName{Name: migration.Namespace}
		journal.polled = func(driver *fake.Driver) {
			defer GinkgoRecover()
			Expect(there.Get(ctx, namespace, &corev1.Namespace{})).NotTo(Succeed(), "nothing arrives before the data")
			if journal.polls > 1 {
				driver.Finish("")
			}
		}
		startOperator(journal, -1).work(ctx, migration)
		Expect(slices.Compact(journal.all())).To(Equal([]string{
			"metadata", "PreExecRule/InProgress", effectPre,
			"PreExecRule/InProgress", effectStart, "PreExecRule/InProgress",
			"PostExecRule/InProgress", effectPost,
			"Volumes/InProgress", effectPoll, "Volumes/InProgress",
			"Applications/InProgress", "Final/Successful",
		}))
		expectVolumesArrived(ctx, migration)
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "settings"}, &corev1.ConfigMap{})).To(Succeed())
		Expect(migration.Status.Progress.Volumes).To(Equal("2/2"))
		Expect(migration.Status.Summary.TotalBytesMigrated).To(BeEquivalentTo(2 * fake.VolumeBytes))
	})

	It("brings no objects over applications that were activated while the data moved", func(ctx SpecContext) {
		Expect(localgodwit.InstallCRDs(destinationCluster.Config(), "../../..")).To(Succeed())
		migration := newVolumeMigration(ctx, nil)
		migration.Annotations = map[string]string{storkv1alpha1.AnnotationMigrationScheduleName: "nightly"}
		Expect(here.Update(ctx, migration)).To(Succeed())
		schedule := &storkv1alpha1.MigrationSchedule{ObjectMeta: metav1.ObjectMeta{
			Namespace: migration.Namespace, Name: "nightly", Annotations: map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"},
		}}
		schedule.Spec.Suspend, schedule.Spec.Template.Spec = new(true), *migration.Spec.DeepCopy()
		journal.polled = func(driver *fake.Driver) {
			defer GinkgoRecover()
			if journal.polls == 1 {
				Expect(there.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: schedule.Namespace}})).To(Succeed())
				Expect(there.Create(ctx, schedule)).To(Succeed())
				schedule.Status.ApplicationActivated = true
				Expect(there.Status().Update(ctx, schedule)).To(Succeed())
			}
			driver.Finish("")
		}
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(migration.Status.Conditions).To(ContainElement(HaveField("Reason", storkv1alpha1.ReasonApplicationsActive)))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "settings"}, &corev1.ConfigMap{})).NotTo(Succeed())
	})

	It("is continued after a crash at any point: the rules have run where they must, and every volume is copied once", func(ctx SpecContext) {
		crashAnywhere(ctx, func(crashed *operator, migration *storkv1alpha1.Migration) {
			journal := crashed.journal
			startOperator(journal, -1).work(ctx, migration)
			expectVolumesArrived(ctx, migration)
			effects := journal.all()
			start := slices.Index(effects, effectStart)
			Expect(effects[:start]).To(ContainElement(effectPre), "%v", effects)
			Expect(effects[:start]).NotTo(ContainElement(effectPost), "%v", effects)
			post := start + slices.Index(effects[start:], effectPost)
			Expect(post).To(BeNumerically(">", start), "%v", effects)
			Expect(effects[post:]).NotTo(ContainElement(effectPre), "what the rule unfroze is not frozen again: %v", effects)
		})
	})

	It("is cancelled with its copies by a deletion after a crash at any point", func(ctx SpecContext) {
		crashAnywhere(ctx, func(crashed *operator, migration *storkv1alpha1.Migration) {
			journal := crashed.journal
			Expect(here.Delete(ctx, migration)).To(Succeed())
			startOperator(journal, -1).work(ctx, migration)
			Expect(client.IgnoreNotFound(here.Get(ctx, client.ObjectKeyFromObject(migration), migration))).To(Succeed())
			Expect(journal.driver.Moving()).To(BeZero(), "%v", journal.all())
		})
	})

	It("is cancelled with its copies by a deletion while it runs", func(ctx SpecContext) {
		journal.polled = func(*fake.Driver) {}
		migration := newVolumeMigration(ctx, nil)
		operator := startOperator(journal, -1)
		operator.until(ctx, migration, func() bool { return slices.Contains(journal.all(), effectPoll) })
		Expect(here.Delete(ctx, migration)).To(Succeed())
		operator.until(ctx, migration, func() bool { return false })
		Expect(journal.all()).To(ContainElement(effectCancel))
		Expect(journal.driver.Moving()).To(BeZero())
	})

	It("is deleted although its copies cannot be cancelled", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		startOperator(journal, 9).work(ctx, migration)
		journal.failing[effectCancel] = errors.New("no")
		Expect(here.Delete(ctx, migration)).To(Succeed())
		startOperator(journal, -1).work(ctx, migration)
		Expect(client.IgnoreNotFound(here.Get(ctx, client.ObjectKeyFromObject(migration), migration))).To(Succeed())
	})

	It("is cancelled although its Rule and its namespace's pair are not as they were", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		startOperator(journal, 9).work(ctx, migration)
		Expect(journal.driver.Moving()).To(Equal(2))
		Expect(here.DeleteAllOf(ctx, &storkv1alpha1.Rule{}, client.InNamespace(migration.Namespace))).To(Succeed())
		pair := &storkv1alpha1.ClusterPair{}
		Expect(here.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: pairReady}, pair)).To(Succeed())
		pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusError
		Expect(here.Status().Update(ctx, pair)).To(Succeed())
		Expect(here.Delete(ctx, migration)).To(Succeed())
		startOperator(journal, -1).work(ctx, migration)
		Expect(journal.driver.Moving()).To(BeZero())
	})

	It("waits for all volumes when one has failed, and fails then without bringing objects", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		one := types.NamespacedName{Namespace: migration.Namespace, Name: "one"}
		two := types.NamespacedName{Namespace: migration.Namespace, Name: "two"}
		journal.polled = func(driver *fake.Driver) {
			switch journal.polls {
			case 1:
				driver.FinishOne(one, "the disk is full")
			case 4:
				driver.FinishOne(two, "")
			}
		}
		startOperator(journal, -1).work(ctx, migration)
		Expect(succeededMessage(migration)).To(Equal("Failed: Error migrating volume of PersistentVolumeClaim " + migration.Namespace +
			"/one: the disk is full"))
		Expect(states(migration)).To(Equal(map[string]string{"one": "Failed: the disk is full", "two": "Successful: "}))
		Expect(journal.all()).NotTo(ContainElement(effectCancel), "nothing is left to cancel")
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(there.Get(ctx, types.NamespacedName{Name: migration.Namespace}, &corev1.Namespace{})).NotTo(Succeed())
	})

	It("fails and cancels the copies when the post-exec rule fails", func(ctx SpecContext) {
		journal.failing[effectPost] = errors.New("broken")
		migration := newVolumeMigration(ctx, nil)
		startOperator(journal, -1).work(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("RuleFailed: Error running PostExecRule: "))
		Expect(states(migration)).To(HaveEach("Failed: cancelled, because the Migration failed"))
		Expect(journal.driver.Moving()).To(BeZero())
		Expect(there.Get(ctx, types.NamespacedName{Name: migration.Namespace}, &corev1.Namespace{})).NotTo(Succeed())
	})

	It("tries a pre-exec rule that fails again, and copies nothing until it has succeeded", func(ctx SpecContext) {
		journal.failing[effectPre] = errors.New("broken")
		migration := newVolumeMigration(ctx, nil)
		operator := startOperator(journal, -1)
		operator.until(ctx, migration, func() bool {
			return len(succeededMessage(migration)) > 0 && migration.Status.Status == storkv1alpha1.MigrationStatusInProgress &&
				len(journal.all()) > 2
		})
		Expect(journal.all()).NotTo(ContainElement(effectStart))
		journal.mu.Lock()
		delete(journal.failing, effectPre)
		journal.mu.Unlock()
		operator.work(ctx, migration)
		expectVolumesArrived(ctx, migration)
	})

	It("tries again when the driver cannot tell or begin, and says so", func(ctx SpecContext) {
		journal.failing[effectStart] = errors.New("busy")
		migration := newVolumeMigration(ctx, nil)
		operator := startOperator(journal, -1)
		operator.until(ctx, migration, func() bool {
			return succeededMessage(migration) == "InProgress: storage driver fake could not begin: busy; this will be tried again"
		})
		journal.mu.Lock()
		journal.failing = map[string]error{effectPoll: errors.New("away")}
		journal.mu.Unlock()
		operator.until(ctx, migration, func() bool {
			return succeededMessage(migration) == "InProgress: storage driver fake could not tell how far it is: away; this will be tried again"
		})
		journal.mu.Lock()
		journal.failing = nil
		journal.mu.Unlock()
		operator.work(ctx, migration)
		expectVolumesArrived(ctx, migration)
	})

	It("fails after the deadline where the driver never begins, and cancels where it never ends", func(ctx SpecContext) {
		for effect, stage := range map[string]storkv1alpha1.MigrationStageType{
			effectStart: storkv1alpha1.MigrationStageInitial, effectPoll: storkv1alpha1.MigrationStageVolumes,
		} {
			journal = newJournal()
			journal.failing[effect] = errors.New("away")
			migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) { spec.PreExecRule, spec.PostExecRule = "", "" })
			operator := startOperator(journal, -1)
			operator.until(ctx, migration, func() bool { return migration.Status.Stage == stage && len(migration.Status.Volumes) > 0 })
			operator.clock.Step(2 * time.Hour)
			operator.work(ctx, migration)
			Expect(succeededMessage(migration)).To(HavePrefix("DeadlineExceeded: gave up"))
			Expect(states(migration)).To(HaveEach("Failed: cancelled, because the Migration failed"))
			Expect(journal.driver.Moving()).To(BeZero())
		}
	})

	It("refuses volumes of nobody before anything is copied", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		createVolume(ctx, migration.Namespace, "foreign", "somebody.example.com")
		startOperator(journal, -1).work(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("NoStorageDriver: "))
		Expect(states(migration)).To(Equal(map[string]string{"foreign": "Failed: no storage driver of this operator owns the volume"}))
		Expect(journal.all()).NotTo(ContainElement(effectStart))
	})

	It("leaves volumes of nobody behind where it is told to, and says so", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) {
			spec.Volumes = &storkv1alpha1.MigrationVolumes{WithoutDriver: storkv1alpha1.VolumePolicySkip}
		})
		createVolume(ctx, migration.Namespace, "foreign", "somebody.example.com")
		startOperator(journal, -1).work(ctx, migration)
		expectVolumesArrived(ctx, migration)
		Expect(migration.Status.Notices).To(ContainElement(HavePrefix("PersistentVolumeClaim " + migration.Namespace +
			"/foreign was left out: no storage driver moves its volume")))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "foreign"}, &corev1.PersistentVolumeClaim{})).NotTo(Succeed())
	})

	It("takes the driver that is named for a claim, and says which there are", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) {
			spec.Volumes = &storkv1alpha1.MigrationVolumes{Driver: "fake", Overrides: []storkv1alpha1.VolumeOverride{
				{PersistentVolumeClaim: "two", Namespace: "elsewhere", Driver: "other"},
				{PersistentVolumeClaim: "one", Driver: "unheard-of"},
			}}
		})
		startOperator(journal, -1).work(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("NoStorageDriver: "))
		Expect(states(migration)).To(Equal(map[string]string{
			"one": `Failed: this operator has no storage driver "unheard-of", but fake`,
		}))
	})

	// Stork copies also the volumes of claims whose kind is excluded.
	It("copies no volume whose claim it does not bring", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) {
			spec.ExcludeSelectors = map[string]string{"tier": "cache"}
		})
		change := func(name string, change func(*corev1.PersistentVolumeClaim)) {
			key := createVolume(ctx, migration.Namespace, name, "somebody.example.com")
			pvc := &corev1.PersistentVolumeClaim{}
			Expect(here.Get(ctx, key, pvc)).To(Succeed())
			change(pvc)
			Expect(here.Update(ctx, pvc)).To(Succeed())
		}
		change("excluded", func(pvc *corev1.PersistentVolumeClaim) { pvc.Labels = map[string]string{"tier": "cache"} })
		change("opted-out", func(pvc *corev1.PersistentVolumeClaim) {
			pvc.Annotations = map[string]string{storkv1alpha1.AnnotationSkipResource: "true"}
		})
		change("ephemeral", func(pvc *corev1.PersistentVolumeClaim) {
			pvc.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "1"}}
		})
		change("going", func(pvc *corev1.PersistentVolumeClaim) { pvc.Finalizers = []string{"example.com/hold"} })
		Expect(here.Delete(ctx, claim(migration.Namespace, "going"))).To(Succeed())
		startOperator(journal, -1).work(ctx, migration)
		expectVolumesArrived(ctx, migration)
	})

	It("copies nothing where claims are excluded as a kind", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) {
			spec.ExcludeResourceTypes = []string{"PersistentVolumeClaim"}
		})
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(journal.all()).NotTo(ContainElement(effectStart))
		Expect(journal.all()).To(ContainElement(effectPost), "the rule runs also where there are no volumes")
	})

	It("goes on with a volume whose claim is deleted meanwhile, and leaves one that was bound meanwhile to the next Migration", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		startOperator(journal, 9).work(ctx, migration)
		Expect(here.Delete(ctx, claim(migration.Namespace, "one"))).To(Succeed())
		createVolume(ctx, migration.Namespace, "late", fake.Provisioner)
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(states(migration)).To(Equal(map[string]string{"one": "Successful: ", "two": "Successful: "}))
		Expect(migration.Status.Notices).To(ContainElement("PersistentVolumeClaim " + migration.Namespace +
			"/late was left out: it was bound when volumes were moving already; the next Migration takes it along"))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "two"}, &corev1.PersistentVolumeClaim{})).To(Succeed())
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "late"}, &corev1.PersistentVolumeClaim{})).NotTo(Succeed())
		Expect(there.Get(ctx, types.NamespacedName{Name: migration.Namespace + "-late"}, &corev1.PersistentVolume{})).NotTo(Succeed())
	})

	It("brings volumes and claims only when it is told to, and finds them in place the next time", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) { spec.IncludeResources = new(false) })
		startOperator(journal, -1).work(ctx, migration)
		expectVolumesArrived(ctx, migration)
		Expect(outcomes(migration)).To(Equal(map[string]string{
			"Namespace " + migration.Namespace:                      "Created",
			"PersistentVolume " + migration.Namespace + "-" + "one": "Created",
			"PersistentVolume " + migration.Namespace + "-" + "two": "Created",
			"PersistentVolumeClaim one":                             "Created", "PersistentVolumeClaim two": "Created",
		}))

		By("migrating again")
		again := newMigration(migration.Namespace, "again")
		again.Labels, again.Spec = migration.Labels, migration.Spec
		Expect(here.Create(ctx, again)).To(Succeed())
		journal.polls = 0
		startOperator(journal, -1).work(ctx, again)
		expectVolumesArrived(ctx, again)
		Expect(outcomes(again)).To(HaveEach("Unchanged"))
	})

	It("brings everything but a volume that the driver cannot point to its copy, and its claim", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		journal.driver.Fail("Retarget", errors.New("no such copy"))
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess), succeededMessage(migration))
		Expect(migration.Status.Summary.ResourcesFailed).To(BeEquivalentTo(4))
		Expect(outcomes(migration)).To(HaveKeyWithValue("ConfigMap settings", "Created"))
		for _, info := range migration.Status.Resources[:4] {
			Expect(info.Reason).To(Or(ContainSubstring("storage driver fake could not tell where the copy is: no such copy"),
				ContainSubstring("PersistentVolume "+migration.Namespace+"-"+info.Name+" did not arrive")))
		}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "one"}, &corev1.PersistentVolumeClaim{})).NotTo(Succeed())
	})

	// Stork makes every volume-only Migration Successful in the end.
	It("is partly successful with volumes only when a claim does not arrive", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) { spec.IncludeResources = new(false) })
		Expect(there.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: migration.Namespace}})).To(Succeed())
		other := claim(migration.Namespace, "one")
		other.Spec.VolumeName = "another"
		Expect(there.Create(ctx, other)).To(Succeed())
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess), succeededMessage(migration))
		Expect(migration.Status.Resources[0].Name).To(Equal("one"))
	})

	It("is ended by an operator that can judge it invalid meanwhile, copies included", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, nil)
		startOperator(journal, 9).work(ctx, migration)
		invalid := &storkv1alpha1.Rule{}
		Expect(here.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: "post"}, invalid)).To(Succeed())
		invalid.Rules[0].Actions[0].Background, invalid.Rules[0].Actions[0].Value = true, "${WAIT_CMD}"
		Expect(here.Update(ctx, invalid)).To(Succeed())
		startOperator(journal, -1).work(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("InvalidSpec: PostExecRule post cannot run"))
		Expect(states(migration)).To(HaveEach("Failed: cancelled, because the Migration failed"))
		Expect(journal.driver.Moving()).To(BeZero())
	})

	It("runs its rules without volumes as well", func(ctx SpecContext) {
		migration := newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) { spec.IncludeVolumes = new(false) })
		startOperator(journal, -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(journal.all()).To(ContainElements(effectPre, effectPost))
		Expect(journal.all()).NotTo(ContainElement(effectStart))
	})
})

// states tells the state of each volume with its reason, by the name of its claim.
func states(migration *storkv1alpha1.Migration) map[string]string {
	found := map[string]string{}
	for _, info := range migration.Status.Volumes {
		found[info.PersistentVolumeClaim] = string(info.Status) + ": " + info.Reason
	}
	return found
}

// expectVolumesArrived expects both volumes of newVolumeMigration at the destination, where their copies are.
func expectVolumesArrived(ctx context.Context, migration *storkv1alpha1.Migration) {
	GinkgoHelper()
	Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
	Expect(states(migration)).To(Equal(map[string]string{"one": "Successful: ", "two": "Successful: "}))
	for _, name := range []string{"one", "two"} {
		volume := &corev1.PersistentVolume{}
		Expect(there.Get(ctx, types.NamespacedName{Name: migration.Namespace + "-" + name}, volume)).To(Succeed())
		Expect(volume.Spec.CSI.VolumeHandle).To(Equal("copy-of-" + volume.Name))
		Expect(volume.Spec.PersistentVolumeReclaimPolicy).To(Equal(corev1.PersistentVolumeReclaimRetain))
		claim := &corev1.PersistentVolumeClaim{}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: migration.Namespace, Name: name}, claim)).To(Succeed())
		Expect(claim.Spec.VolumeName).To(Equal(volume.Name))
	}
}
