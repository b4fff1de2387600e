package fault_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"path"
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
	"github.com/godwit-io/godwit/internal/apply"
)

// judge compares what a migration reports with what is at the destination, both with what was planned, and all that with what the
// API servers were asked.
func (w *world) judge(migration *storkv1alpha1.Migration, s *scenario) {
	w.Helper()
	report := w.report(migration)
	reported, planned := sets.KeySet(report), sets.KeySet(w.planned)
	w.Expect(sets.List(reported.SymmetricDifference(planned))).To(BeEmpty(), "the report is about each object that was planned")
	failed := 0
	for name, info := range report {
		if info.Status == storkv1alpha1.MigrationStatusFailed {
			failed++
			w.judgeFailed(name, info, s)
			continue
		}
		w.Expect(info.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), name)
		w.judgeArrived(name, info, s)
	}
	w.judgeCounts(migration, s, report, failed)
	for _, notice := range s.notices {
		w.Expect(migration.Status.Notices).To(ContainElement(ContainSubstring(notice)))
	}
	w.judgeRequests(migration, s)
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
func (w *world) judgeArrived(name string, info *storkv1alpha1.MigrationResourceInfo, s *scenario) {
	w.Helper()
	live := find(w.T, there, w.planned[name])
	w.Expect(live).NotTo(BeNil(), "%s is said to have arrived", name)
	overruled := slices.ContainsFunc(s.overruled, func(pattern string) bool { return fits(pattern, name) })
	if !overruled {
		w.Expect(normalised(live).Object).To(BeComparableTo(w.planned[name].Object), "%s, which is said to have been %s", name, info.Action)
	}
	if uid, known := w.before[name]; known {
		w.Expect(live.GetUID()).To(Equal(uid), "%s was there and is another one", name)
	}
	if !s.again && !overruled {
		created, written := w.writes(live)
		done := apply.ActionUnchanged
		switch {
		case created > 0:
			done = apply.ActionCreated
		case written > 0:
			done = apply.ActionUpdated
		}
		w.Expect(info.Action).To(BeEquivalentTo(done), "%s after %d creations and %d updates", name, created, written)
	}
}

func (w *world) judgeCounts(migration *storkv1alpha1.Migration, s *scenario, report map[string]*storkv1alpha1.MigrationResourceInfo, failed int) {
	w.Helper()
	summary := migration.Status.Summary
	w.Expect(summary.TotalNumberOfResources).To(BeEquivalentTo(len(report)))
	w.Expect(summary.NumberOfMigratedResources).To(BeEquivalentTo(len(report) - failed))
	w.Expect(summary.ResourcesFailed).To(BeEquivalentTo(failed))
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
	asked := w.source.Requests()[w.sourceMark:]
	if w.standby != nil {
		asked = append(asked, w.standby.Requests()...)
	}
	for _, r := range asked {
		if r.CarriedOut() && strings.HasSuffix(r.Path, status) && strings.Contains(r.Body, `"stage":"Final"`) {
			ends++
		}
		if strings.HasSuffix(r.Path, "/namespaces/"+w.namespace+"/configmaps") && r.Code == http.StatusOK && !r.Faulty &&
			r.Method == http.MethodGet && !strings.Contains(r.Query, "continue=") {
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

// writes counts how often the destination has created and changed an object.
func (w *world) writes(o *unstructured.Unstructured) (created, changed int) {
	w.Helper()
	mapping, err := there.RESTMapper().RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	w.Expect(err).NotTo(HaveOccurred())
	where := "/apis/" + mapping.Resource.GroupVersion().String()
	if mapping.Resource.Group == "" {
		where = "/api/" + mapping.Resource.Version
	}
	if mapping.Scope.Name() == apimeta.RESTScopeNameNamespace {
		where = path.Join(where, "namespaces", o.GetNamespace())
	}
	where = path.Join(where, mapping.Resource.Resource, o.GetName())
	for _, r := range w.destination.Requests()[w.destinationMark:] {
		switch {
		case r.Object != where || !r.CarriedOut():
		case r.Method == http.MethodPost:
			created++
		default:
			changed++
		}
	}
	return created, changed
}

func fits(pattern, name string) bool {
	return regexp.MustCompile("^(" + pattern + ")$").MatchString(name)
}

func isNoMatch(err error) bool { return apimeta.IsNoMatchError(err) }
