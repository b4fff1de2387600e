package fault_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// judge compares what a migration reports with what is at the destination, both with what was planned, and all that with what the
// API servers were asked.
func (w *world) judge(migration *storkv1alpha1.Migration, s *scenario) {
	w.Helper()
	report, found, done := w.report(migration), w.census(), w.deedsOfLastRun()
	w.judgeExtent(report, s)
	failed, purged := 0, 0
	for name, info := range report {
		switch info.Status {
		case storkv1alpha1.MigrationStatusFailed:
			failed++
			w.judgeFailed(name, info, s)
		case storkv1alpha1.MigrationStatusPurged:
			purged++
			w.judgeAction(w.before[name], info, done, s)
		default:
			w.Expect(info.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), name)
			w.judgeArrived(name, info, found[name], s)
			w.judgeAction(w.planned[name], info, done, s)
		}
	}
	w.judgeCensus(found, report, s)
	w.judgeCounts(migration, s, report, failed, purged)
	for _, notice := range s.notices {
		w.Expect(migration.Status.Notices).To(ContainElement(ContainSubstring(notice)))
	}
	w.judgeRequests(migration, s)
	if s.again {
		w.judgeRuns()
	}
}

// judgeExtent expects a report about each object that was planned and each that was purged. What an earlier run purged, the last one
// does not find any more.
func (w *world) judgeExtent(report map[string]*storkv1alpha1.MigrationResourceInfo, s *scenario) {
	w.Helper()
	expected := sets.KeySet(w.planned)
	for name := range w.gone {
		if report[name] != nil || !s.again {
			expected.Insert(name)
		}
	}
	w.Expect(sets.List(sets.KeySet(report).SymmetricDifference(expected))).To(BeEmpty(), "the report is about each object that was planned")
	for name, info := range report {
		purged := info.Status == storkv1alpha1.MigrationStatusPurged
		w.Expect(purged).To(Equal(w.gone.Has(name)), "%s is %s", name, info.Status)
	}
}

// report reads the results of all objects, from the status or from where it refers to.
func (w *world) report(migration *storkv1alpha1.Migration) map[string]*storkv1alpha1.MigrationResourceInfo {
	w.Helper()
	infos := migration.Status.Resources
	if migration.Status.Report != nil {
		infos = nil
		for _, name := range migration.Status.Report.ConfigMaps {
			stored := &corev1.ConfigMap{}
			w.Expect(here.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, stored)).To(Succeed())
			reader, err := gzip.NewReader(bytes.NewReader(stored.BinaryData[storkv1alpha1.ReportKey]))
			w.Expect(err).NotTo(HaveOccurred())
			var chunk []*storkv1alpha1.MigrationResourceInfo
			w.Expect(json.NewDecoder(reader).Decode(&chunk)).To(Succeed())
			infos = append(infos, chunk...)
		}
	}
	report := map[string]*storkv1alpha1.MigrationResourceInfo{}
	for _, info := range infos {
		name := info.Kind + " " + info.Name
		w.Expect(report).NotTo(HaveKey(name), "the report names it twice")
		report[name] = info
	}
	return report
}

// judgeFailed expects that the scenario refuses the object, for that reason.
func (w *world) judgeFailed(name string, info *storkv1alpha1.MigrationResourceInfo, s *scenario) {
	w.Helper()
	at := slices.IndexFunc(s.refused, func(r refusal) bool { return fits(r.object, name) })
	w.Expect(at).To(BeNumerically(">=", 0), "%s did not arrive: %s", name, info.Reason)
	w.Expect(info.Reason).To(ContainSubstring(s.refused[at].reason), name)
}

// judgeArrived expects that the object is there as it was planned, and the same as before if it was there.
func (w *world) judgeArrived(name string, info *storkv1alpha1.MigrationResourceInfo, live *unstructured.Unstructured, s *scenario) {
	w.Helper()
	w.Expect(live).NotTo(BeNil(), "%s is said to have arrived", name)
	if !s.overrules(name) {
		w.Expect(normalised(live).Object).To(BeComparableTo(w.planned[name].Object), "%s, which is said to have been %s", name, info.Action)
	}
}

func (w *world) judgeCounts(
	migration *storkv1alpha1.Migration, s *scenario, report map[string]*storkv1alpha1.MigrationResourceInfo, failed, purged int,
) {
	w.Helper()
	summary := migration.Status.Summary
	w.Expect(summary.TotalNumberOfResources).To(BeEquivalentTo(len(report)))
	w.Expect(summary.NumberOfMigratedResources).To(BeEquivalentTo(len(report) - failed - purged))
	w.Expect(summary.ResourcesFailed).To(BeEquivalentTo(failed))
	w.Expect(summary.ResourcesPurged).To(BeEquivalentTo(purged))
	want := storkv1alpha1.MigrationStatusSuccessful
	if failed > 0 {
		want = storkv1alpha1.MigrationStatusPartialSuccess
	}
	w.Expect(migration.Status.Status).To(Equal(want))
	for _, refused := range s.refused {
		count := 0
		for name, info := range report {
			fit := fits(refused.object, name)
			if fit && info.Status == storkv1alpha1.MigrationStatusFailed {
				count++
			} else if fit && refused.count == 0 {
				w.Errorf("%s arrived, though it should be refused", name)
			}
		}
		if refused.count > 0 {
			w.Expect(count).To(Equal(refused.count), refused.object)
		}
	}
}

// judgeRequests expects one run, with one end, and no object that was created twice.
func (w *world) judgeRequests(migration *storkv1alpha1.Migration, s *scenario) {
	w.Helper()
	ends, runs := 0, 0
	status := "/namespaces/" + w.namespace + "/migrations/" + migration.Name + "/status"
	for _, r := range w.asked() {
		if r.CarriedOut() && strings.HasSuffix(r.Path, status) && strings.Contains(r.Body, `"stage":"Final"`) {
			ends++
		}
		if w.isRun(r) {
			runs++
		}
	}
	w.Expect(ends).To(Equal(1), "how often the Migration became Final")
	if !s.again {
		w.Expect(runs).To(Equal(1), "how often the source was read")
	}
	created := map[string]int{}
	for _, r := range w.destination.Requests()[w.destinationMark:] {
		// Who asks what it may do creates nothing.
		if r.Method == http.MethodPost && r.CarriedOut() && !strings.Contains(r.Path, "/selfsubject") {
			created[r.Object]++
			w.Expect(created[r.Object]).To(Equal(1), "creations of %s", r.Object)
		}
	}
}

// overrules tells whether the destination makes something else of an object.
func (s *scenario) overrules(name string) bool {
	return slices.ContainsFunc(s.overruled, func(pattern string) bool { return fits(pattern, name) })
}

func fits(pattern, name string) bool {
	return regexp.MustCompile("^(" + pattern + ")$").MatchString(name)
}

func isNoMatch(err error) bool { return apimeta.IsNoMatchError(err) }
