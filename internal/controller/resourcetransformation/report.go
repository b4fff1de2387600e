package resourcetransformation

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Bounds of the status: it stays below 100 KiB.
const (
	// listed is how many objects it names.
	listed = 200
	// reasonLimit bounds a reason in bytes.
	reasonLimit = 256
	// specsLimit bounds the copies of specs in bytes. Where one does not fit it is left out; the specs are in the object.
	specsLimit = 16 << 10
)

// report collects what became of the objects. add may be called from several goroutines.
type report struct {
	mu     sync.Mutex
	tried  int
	failed int
	// failures and passed hold as many as the status can name.
	failures, passed []*storkv1alpha1.TransformResourceInfo
	// skipped are resources whose objects are in no namespace.
	skipped []string
}

func (r *report) skip(resource string) { r.skipped = append(r.skipped, resource) }

func (r *report) add(info *storkv1alpha1.TransformResourceInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried++
	list := &r.passed
	if info.Status == storkv1alpha1.ResourceTransformationStatusFailed {
		r.failed++
		list = &r.failures
	}
	if len(*list) < listed {
		*list = append(*list, info)
	}
}

// resources returns the entries of the status, failures first.
func (r *report) resources() []*storkv1alpha1.TransformResourceInfo {
	for _, list := range [][]*storkv1alpha1.TransformResourceInfo{r.failures, r.passed} {
		slices.SortFunc(list, func(a, b *storkv1alpha1.TransformResourceInfo) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name))
		})
	}
	all := slices.Concat(r.failures, r.passed)
	all = all[:min(len(all), listed)]
	dropLongSpecs(all)
	return all
}

func dropLongSpecs(infos []*storkv1alpha1.TransformResourceInfo) {
	for _, info := range infos {
		if content, err := json.Marshal(info.Specs); err != nil || len(content) > specsLimit/len(infos) {
			info.Specs = nil
		}
	}
}

// summary is the report in a sentence or two.
func (r *report) summary() string {
	var text strings.Builder
	if r.failed > 0 {
		first := r.resources()[0]
		fmt.Fprintf(&text, "the dry run failed (objects refused: %d of %d), first for %s: %s", r.failed, r.tried, objectName(first), first.Reason)
	} else {
		fmt.Fprintf(&text, "the dry run passed (objects tried: %d)", r.tried)
	}
	if len(r.skipped) > 0 {
		fmt.Fprintf(&text, "; objects of %s are not tried, because they are in no namespace; only a Migration of the admin namespace changes them", strings.Join(r.skipped, ", "))
	}
	return text.String()
}

// fail notes that an object cannot be transformed.
func fail(info *storkv1alpha1.TransformResourceInfo, err error) {
	info.Status, info.Reason = storkv1alpha1.ResourceTransformationStatusFailed, limit(describe(info, err), reasonLimit)
}

// describe puts an error in words. Those about a Secret may quote it, and who may read the status may not read Secrets.
func describe(info *storkv1alpha1.TransformResourceInfo, err error) string {
	if info.Group == "" && info.Kind == "Secret" {
		return fmt.Sprintf("it is refused (%s); the message is withheld because it may quote the Secret",
			cmp.Or(string(apierrors.ReasonForError(err)), "not transformable"))
	}
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok && apierrors.IsInvalid(err) && status.ErrStatus.Details != nil {
		return causes(status.ErrStatus.Details.Causes)
	}
	return err.Error()
}

// causes says what is wrong with each field. The API server's message begins with the name, which is made up for a new object.
func causes(all []metav1.StatusCause) string {
	texts := make([]string, len(all))
	for i, cause := range all {
		texts[i] = cause.Field + ": " + cause.Message
	}
	return strings.Join(texts, "; ")
}

// limit shortens a text to so many bytes.
func limit(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	const more = "…"
	return strings.ToValidUTF8(text[:bytes-len(more)], "") + more
}
