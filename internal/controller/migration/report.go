package migration

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

// Bounds of the status, in bytes. A Migration stays below 100 KiB whatever the number of its objects.
const (
	inlineResultsLimit    = 64 << 10
	reasonLimit           = 1 << 10
	conditionMessageLimit = 4 << 10
	eventNoteLimit        = 1 << 10
	noticeLimit           = 512
	noticesLimit          = 20
)

// reportChunk is the number of results in one ConfigMap. Compressed, they take a fraction of a ConfigMap's 1 MiB even where
// each has a reason of the greatest length.
const reportChunk = 5000

// messageMigrated is the reason of every object that arrived, as Stork words it.
const messageMigrated = "Resource migrated successfully"

// fieldManager names this controller where it applies ConfigMaps.
const fieldManager = "godwit"

// resourceInfos turns results into what the status holds, failures first.
func resourceInfos(results []apply.Result) []*storkv1alpha1.MigrationResourceInfo {
	infos := make([]*storkv1alpha1.MigrationResourceInfo, len(results))
	for i := range results {
		infos[i] = resourceInfo(&results[i])
	}
	slices.SortStableFunc(infos, func(a, b *storkv1alpha1.MigrationResourceInfo) int {
		return cmp.Compare(rank(a.Status), rank(b.Status))
	})
	return infos
}

func rank(status storkv1alpha1.MigrationStatusType) int {
	if status == storkv1alpha1.MigrationStatusFailed {
		return 0
	}
	return 1
}

func resourceInfo(result *apply.Result) *storkv1alpha1.MigrationResourceInfo {
	info := &storkv1alpha1.MigrationResourceInfo{
		Name:          result.Source.Name,
		Namespace:     result.Source.Namespace,
		Group:         cmp.Or(result.Kind.Group, "core"),
		Version:       result.Kind.Version,
		Kind:          result.Kind.Kind,
		Status:        storkv1alpha1.MigrationStatusSuccessful,
		Reason:        messageMigrated,
		TransformedBy: result.TransformedBy,
		Action:        string(result.Action),
		Changes:       result.Changes,
	}
	if result.DestinationNamespace != result.Source.Namespace {
		info.DestinationNamespace = result.DestinationNamespace
	}
	switch {
	case result.Err != nil:
		info.Status = storkv1alpha1.MigrationStatusFailed
		info.Reason = limit("Error applying resource: "+result.Err.Error(), reasonLimit)
	case result.Action == apply.ActionPurged:
		info.Status, info.Reason = storkv1alpha1.MigrationStatusPurged, "Resource is gone from the source and was deleted"
	}
	return info
}

// count counts results into the summary. Purged objects count in the total but not as migrated, as with Stork.
func count(summary *storkv1alpha1.MigrationSummary, results []apply.Result) {
	summary.TotalNumberOfResources = uint64(len(results))
	for i := range results {
		switch result := &results[i]; {
		case result.Err != nil:
			summary.ResourcesFailed++
		case result.Action == apply.ActionPurged:
			summary.ResourcesPurged++
		case result.Action == apply.ActionUnchanged:
			summary.ResourcesUnchanged++
		case result.Action == apply.ActionCreated:
			summary.ResourcesCreated++
		default:
			summary.ResourcesUpdated++
		}
	}
	summary.NumberOfMigratedResources = uint64(len(results)) - uint64(summary.ResourcesFailed+summary.ResourcesPurged)
}

// inline picks the results that fit into the status: all if they do, otherwise as many failures as do.
func inline(infos []*storkv1alpha1.MigrationResourceInfo) (fitting []*storkv1alpha1.MigrationResourceInfo, all bool) {
	if n := fit(infos); n == len(infos) {
		return infos, true
	}
	failed := slices.IndexFunc(infos, func(info *storkv1alpha1.MigrationResourceInfo) bool { return rank(info.Status) > 0 })
	if failed < 0 {
		failed = len(infos)
	}
	return infos[:fit(infos[:failed])], false
}

// fit counts how many results fit into the status.
func fit(infos []*storkv1alpha1.MigrationResourceInfo) int {
	size := 0
	for i, info := range infos {
		encoded, err := json.Marshal(info)
		if err != nil {
			return i
		}
		if size += len(encoded) + 1; size > inlineResultsLimit {
			return i
		}
	}
	return len(infos)
}

// storeReport writes all results into ConfigMaps beside the Migration, which go when it goes.
func storeReport(
	ctx context.Context, c client.Client, migration *storkv1alpha1.Migration, infos []*storkv1alpha1.MigrationResourceInfo,
) (*storkv1alpha1.MigrationReport, error) {
	report := &storkv1alpha1.MigrationReport{Total: int64(len(infos))}
	for chunk := range slices.Chunk(infos, reportChunk) {
		compressed, err := compress(chunk)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("migration-report-%s-%d", migration.UID, len(report.ConfigMaps))
		configMap := reportConfigMap(migration, name, compressed)
		err = patiently(ctx, func() error { return c.Apply(ctx, configMap, client.FieldOwner(fieldManager), client.ForceOwnership) })
		if err != nil {
			return nil, fmt.Errorf("storing the report in ConfigMap %s/%s: %w", migration.Namespace, name, err)
		}
		report.ConfigMaps = append(report.ConfigMaps, name)
	}
	return report, nil
}

func reportConfigMap(migration *storkv1alpha1.Migration, name string, compressed []byte) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(name, migration.Namespace).
		WithAnnotations(map[string]string{
			storkv1alpha1.AnnotationSkipResource:   "true",
			storkv1alpha1.AnnotationCreatedByStork: "true",
			storkv1alpha1.AnnotationMigrationName:  migration.Name,
		}).
		WithOwnerReferences(metav1ac.OwnerReference().
			WithAPIVersion(storkv1alpha1.GroupVersion.String()).WithKind("Migration").
			WithName(migration.Name).WithUID(migration.UID)).
		WithBinaryData(map[string][]byte{storkv1alpha1.ReportKey: compressed})
}

func compress(infos []*storkv1alpha1.MigrationResourceInfo) ([]byte, error) {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if err := json.NewEncoder(writer).Encode(infos); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// limitNotices keeps notices within the status' bounds; what is cut is said.
func limitNotices(notices []string) []string {
	slices.Sort(notices)
	notices = slices.Compact(notices)
	if more := len(notices) - noticesLimit; more > 0 {
		notices = append(notices[:noticesLimit:noticesLimit], fmt.Sprintf("and %d more", more))
	}
	for i := range notices {
		notices[i] = limit(notices[i], noticeLimit)
	}
	return notices
}

// limit cuts text to so many bytes, on a character's border. Names and messages from outside must not break out of their line, nor
// command the terminal of whoever reads them.
func limit(text string, most int) string {
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= most {
		return text
	}
	const ellipsis = "..."
	cut := most - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}

// printable replaces what is not printed, but for the line breaks between errors that were joined.
func printable(r rune) rune {
	switch {
	case r == '\n' || unicode.IsPrint(r):
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return '\uFFFD'
}

func sortConditions(conditions []metav1.Condition) {
	slices.SortFunc(conditions, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
}

// describe names an object in words.
func describe(kind schema.GroupVersionKind, namespace, name string) string {
	if namespace == "" {
		return kind.Kind + " " + name
	}
	return kind.Kind + " " + namespace + "/" + name
}
