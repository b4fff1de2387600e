package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/transform"
	"github.com/godwit-io/godwit/internal/workload"
)

// judge knows what every validator needs.
type judge struct {
	adminNamespace string
	policy         remote.Policy
	requesters     *requesters
}

// clusterPair is judged by its inline kubeconfig; one in a Secret is vetted by the controller, which sees it change. Its writer
// decides where the Secrets of the namespace go, with every Migration that names the pair.
func (j *judge) clusterPair() *validator[*storkv1alpha1.ClusterPair] {
	return &validator[*storkv1alpha1.ClusterPair]{
		kind: "ClusterPair", resource: "clusterpairs",
		check: func(pair *storkv1alpha1.ClusterPair) error {
			if pair.Spec.Config == nil {
				return nil
			}
			if _, err := j.policy.Vet(pair.Spec.Config.Raw); err != nil {
				return fmt.Errorf("spec.config: %w", err)
			}
			return nil
		},
		authorize: func(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
			return j.requesters.require(ctx, readSecrets, pair.Namespace)
		},
	}
}

func (j *judge) migration() *validator[*storkv1alpha1.Migration] {
	return &validator[*storkv1alpha1.Migration]{
		kind: "Migration", resource: "migrations",
		checkChange: checkNotBegun,
		check: func(migration *storkv1alpha1.Migration) error {
			return errors.Join(migration.Spec.CheckSelectors("spec"), j.checkScope("spec", migration.Namespace, migration.Spec))
		},
		authorize: func(ctx context.Context, migration *storkv1alpha1.Migration) error {
			return j.authorizeMigration(ctx, migration.Namespace, migration.Spec)
		},
	}
}

// checkNotBegun keeps what a Migration does from becoming another thing than it says.
func checkNotBegun(before, after *storkv1alpha1.Migration) error {
	stage := before.Status.Stage
	if stage == storkv1alpha1.MigrationStageInitial && before.Status.StartTimestamp == nil || equality.Semantic.DeepEqual(before.Spec, after.Spec) {
		return nil
	}
	return fmt.Errorf("spec: the Migration has begun, its stage is %q, and cannot be changed any more: create another one, after "+
		"deleting this one if it is to be cancelled", stage)
}

// migrationSchedule is judged as the Migrations that the operator will make of it. The copy that the operator of another cluster
// keeps here makes none: only whoever makes a schedule of it is judged.
func (j *judge) migrationSchedule() *validator[*storkv1alpha1.MigrationSchedule] {
	return &validator[*storkv1alpha1.MigrationSchedule]{
		kind: "MigrationSchedule", resource: "migrationschedules",
		check: func(schedule *storkv1alpha1.MigrationSchedule) error {
			const path = "spec.template.spec"
			spec := schedule.Spec.Template.Spec
			return errors.Join(checkPolicyName(schedule.Spec.SchedulePolicyName), spec.CheckSelectors(path), j.checkScope(path, schedule.Namespace, spec))
		},
		authorize: func(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
			if isCopy(schedule) {
				return nil
			}
			return j.authorizeMigration(ctx, schedule.Namespace, schedule.Spec.Template.Spec)
		},
		authorized: func(before, after *storkv1alpha1.MigrationSchedule) bool {
			return isCopy(before) == isCopy(after) && equality.Semantic.DeepEqual(before.Spec.Template, after.Spec.Template)
		},
	}
}

func isCopy(schedule *storkv1alpha1.MigrationSchedule) bool {
	_, ok := schedule.Annotations[storkv1alpha1.AnnotationStaticCopy]
	return ok
}

func checkPolicyName(name string) error {
	if name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
		return fmt.Errorf("spec.schedulePolicyName is %q, which is no name of an object: name a NamespacedSchedulePolicy of this namespace, "+
			"or a SchedulePolicy, such as default-daily-policy", name)
	}
	return nil
}

// checkScope lets a Migration outside the admin namespace name only its own namespace (Stork's public documentation, "Migration
// scope"). What its selectors choose is seen when it runs.
func (j *judge) checkScope(spec, namespace string, migration storkv1alpha1.MigrationSpec) error {
	if namespace == j.adminNamespace {
		return nil
	}
	var problems []error
	for i, name := range migration.Namespaces {
		if name != namespace {
			problems = append(problems, fmt.Errorf("%s.namespaces[%d] is %q, but migration namespaces should only contain the current namespace, %s; "+
				"others can be named in the admin namespace %s only", spec, i, name, namespace, j.adminNamespace))
		}
	}
	return errors.Join(problems...)
}

// authorizeMigration requires the rights with which the operator would serve a Migration. In its own namespace a Migration reaches
// that one only; in the admin namespace selectors can choose any, now or later.
func (j *judge) authorizeMigration(ctx context.Context, namespace string, migration storkv1alpha1.MigrationSpec) error {
	namespaces := migration.Namespaces
	switch {
	case namespace != j.adminNamespace:
		namespaces = []string{namespace}
	case len(migration.NamespaceSelectors) > 0:
		namespaces = []string{everywhere}
	}
	var missing []error
	for _, wanted := range rightsFor(migration) {
		err := j.requesters.require(ctx, wanted, namespaces...)
		if _, ok := errors.AsType[*missingError](err); err != nil && !ok {
			return err
		}
		missing = append(missing, err)
	}
	return errors.Join(missing...)
}

func rightsFor(migration storkv1alpha1.MigrationSpec) []right {
	var rights []right
	if isTrue(migration.IncludeResources) && !excludesSecrets(migration) {
		rights = append(rights, readSecrets)
	}
	if isTrue(migration.IncludeVolumes) {
		rights = append(rights, mountVolumes)
	}
	if migration.PreExecRule != "" || migration.PostExecRule != "" {
		rights = append(rights, runCommands)
	}
	return rights
}

// isTrue reads an option that is true by default.
func isTrue(option *bool) bool { return option == nil || *option }

func excludesSecrets(migration storkv1alpha1.MigrationSpec) bool {
	return slices.ContainsFunc(migration.ExcludeResourceTypes, inventory.NamesSecrets)
}

// rule is judged as one that runs before a migration, where more is allowed. Its writer decides what runs in the pods of its
// namespace, from the admin namespace in all pods.
func (j *judge) rule() *validator[*storkv1alpha1.Rule] {
	return &validator[*storkv1alpha1.Rule]{
		kind: "Rule", resource: "rules",
		check: func(r *storkv1alpha1.Rule) error { return rule.Validate(r, rule.Pre) },
		authorize: func(ctx context.Context, r *storkv1alpha1.Rule) error {
			namespace := r.Namespace
			if namespace == j.adminNamespace {
				namespace = everywhere
			}
			return j.requesters.require(ctx, runCommands, namespace)
		},
	}
}

// resourceTransformation is tried at once, and its status tells which Secrets there are and whether they are as it says.
func (j *judge) resourceTransformation() *validator[*storkv1alpha1.ResourceTransformation] {
	return &validator[*storkv1alpha1.ResourceTransformation]{
		kind: "ResourceTransformation", resource: "resourcetransformations",
		check: func(transformation *storkv1alpha1.ResourceTransformation) error {
			return transform.ValidateTransformation(transformation.Spec)
		},
		authorize: func(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation) error {
			var missing []error
			for _, wanted := range rightsForChanges(transformation.Spec) {
				missing = append(missing, j.requesters.require(ctx, wanted, transformation.Namespace))
			}
			return errors.Join(missing...)
		},
	}
}

// rightsForChanges are those that changing some kinds takes: the copies are written with the credential of a pair, which may have
// more rights than whoever says how they are changed.
func rightsForChanges(spec storkv1alpha1.ResourceTransformationSpec) []right {
	var rights []right
	for kind, wanted := range map[schema.GroupKind]right{
		{Kind: "Secret"}:                               trySecrets,
		{Group: rbacv1.GroupName, Kind: "Role"}:        changeRoles,
		{Group: rbacv1.GroupName, Kind: "RoleBinding"}: changeBindings,
	} {
		if slices.ContainsFunc(spec.Objects, func(object storkv1alpha1.TransformSpec) bool { return isOfKind(object, kind) }) {
			rights = append(rights, wanted)
		}
	}
	return rights
}

// isOfKind reads group/version/kind; the core group is empty.
func isOfKind(object storkv1alpha1.TransformSpec, kind schema.GroupKind) bool {
	return strings.HasPrefix(object.Resource, kind.Group+"/") && strings.HasSuffix(object.Resource, "/"+kind.Kind)
}

func (j *judge) applicationRegistration() *validator[*storkv1alpha1.ApplicationRegistration] {
	return &validator[*storkv1alpha1.ApplicationRegistration]{
		kind: "ApplicationRegistration", resource: "applicationregistrations",
		check: func(registration *storkv1alpha1.ApplicationRegistration) error {
			var problems []error
			for i, resource := range registration.Resources {
				if err := workload.ValidateRegistration(resource); err != nil {
					problems = append(problems, fmt.Errorf("resources[%d]: %w", i, err))
				}
			}
			return errors.Join(problems...)
		},
	}
}
