package webhook

import (
	"errors"

	authorizationv1client "k8s.io/client-go/kubernetes/typed/authorization/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/godwit-io/godwit/internal/remote"
)

// Options are what an administrator may choose.
type Options struct {
	// AdminNamespace is the namespace whose Migrations may move every namespace.
	AdminNamespace string
	// Policy vets inline kubeconfigs of ClusterPairs.
	Policy remote.Policy
	// AuthorizeRequesters false admits requests of users who lack rights that the operator uses for them.
	AuthorizeRequesters bool
}

// SetupWithManager serves the webhooks with the manager's webhook server. Reviews should have no throttle: a request that names
// many namespaces needs many answers at once.
func SetupWithManager(mgr ctrl.Manager, reviews authorizationv1client.SubjectAccessReviewInterface, options Options) error {
	j := &judge{adminNamespace: options.AdminNamespace, policy: options.Policy}
	if options.AuthorizeRequesters {
		j.requesters = &requesters{reviews: reviews}
	}
	mgr.GetWebhookServer().Register(activationPath, &admission.Webhook{Handler: &activation{requesters: j.requesters}})
	return errors.Join(
		register(mgr, j.clusterPair()),
		register(mgr, j.migration()),
		register(mgr, j.migrationSchedule()),
		register(mgr, j.rule()),
		register(mgr, j.resourceTransformation()),
		register(mgr, j.applicationRegistration()),
		register(mgr, j.schedulePolicy()),
		register(mgr, j.namespacedSchedulePolicy()),
		register(mgr, j.action()),
	)
}
