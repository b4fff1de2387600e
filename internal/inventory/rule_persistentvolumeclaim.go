package inventory

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// claimRule keeps PersistentVolumeClaims that have a volume. A claim that a Pod owns is an ephemeral volume or an importer's
// scratch space: a pod of the same name would be refused at the destination because the claim there is not its own.
func claimRule(claim *unstructured.Unstructured, _ *facts) verdict {
	phase := text(claim.Object, "status", "phase")
	switch {
	case deleting(claim):
		return skip("it is being deleted")
	case ownedBy(claim, podKind) && !isTrue(claim.GetAnnotations()[storkv1alpha1.AnnotationSkipOwnerRefCheck]):
		return skip("it belongs to a Pod, for which it is made anew; annotate it " +
			storkv1alpha1.AnnotationSkipOwnerRefCheck + "=true to migrate it")
	case phase == "":
		return skip("it is not Bound yet: there is no volume to migrate")
	case phase != "Bound":
		return skip(fmt.Sprintf("it is %s and not Bound: there is no volume to migrate", phase))
	}
	return keep
}

func learnClaim(f *facts, claim *unstructured.Unstructured) {
	if judge(handling{rule: claimRule}, claim, f).kept {
		f.claims[nameOf(claim)] = claim.GetUID()
	}
}
