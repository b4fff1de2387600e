package workload

import (
	"fmt"
	"math"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// replicasPath is where all kinds that are stopped by replicas have them.
const replicasPath = "spec.replicas"

// replicas stops a workload by scaling it to zero. The memo is the number alone, and a label marks what is scaled down.
//
// Custom resources of ibp.com are among these kinds, as in Stork, which also remembers their replicas a second time as a
// registered path, after they are zero already. That second memo is never written here, and forgotten unread.
type replicas struct{}

func (replicas) suspend(obj *unstructured.Unstructured) (bool, error) {
	if metav1.GetControllerOf(obj) != nil && (obj.GetKind() == "ReplicaSet" || obj.GetKind() == "ReplicationController") {
		// Its Deployment or DeploymentConfig scales it, and would go on doing so.
		return false, nil
	}
	current, err := currentReplicas(obj)
	if err != nil {
		return false, err
	}
	labelled, err := field.SetLabel(obj, storkv1alpha1.LabelMigrated, "true")
	if err != nil {
		return false, err
	}
	if _, err := rememberedReplicas(obj); err == nil && current == 0 {
		return labelled, nil
	}
	if err := field.Set(obj.Object, int64(0), "spec", "replicas"); err != nil {
		return false, err
	}
	_, err = field.SetAnnotation(obj, storkv1alpha1.AnnotationMigrationReplicas, strconv.FormatInt(current, 10))
	return true, err
}

func (replicas) restore(obj *unstructured.Unstructured) (bool, error) {
	if _, ok := field.Annotation(obj, storkv1alpha1.AnnotationMigrationReplicas); !ok {
		return false, nil
	}
	current, err := currentReplicas(obj)
	if err != nil {
		return false, err
	}
	if current == 0 {
		original, err := rememberedReplicas(obj)
		if err != nil {
			return false, err
		}
		if err := field.Set(obj.Object, original, "spec", "replicas"); err != nil {
			return false, err
		}
	}
	field.RemoveAnnotations(obj, storkv1alpha1.AnnotationMigrationReplicas, storkv1alpha1.SuspendMemoAnnotation(replicasPath))
	field.RemoveLabels(obj, storkv1alpha1.LabelMigrated)
	return true, nil
}

// currentReplicas returns spec.replicas. Absent means 1, as in the API of all these kinds.
func currentReplicas(obj *unstructured.Unstructured) (int64, error) {
	value, found, err := field.Get(obj.Object, "spec", "replicas")
	if err != nil || !found {
		return 1, err
	}
	number, ok := value.(int64)
	if !ok || number < 0 || number > math.MaxInt32 {
		return 0, fmt.Errorf("%s must be a whole number that is not negative, got %v", replicasPath, value)
	}
	return number, nil
}

func rememberedReplicas(obj *unstructured.Unstructured) (int64, error) {
	text, _ := field.Annotation(obj, storkv1alpha1.AnnotationMigrationReplicas)
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number < 0 {
		return 0, fmt.Errorf("annotation %s must be a whole number that is not negative, got %q: set it to the replicas that it shall have",
			storkv1alpha1.AnnotationMigrationReplicas, text)
	}
	return number, nil
}
