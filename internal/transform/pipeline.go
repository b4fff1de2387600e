package transform

import (
	"github.com/godwit-io/godwit/internal/workload"
)

// NewPipeline returns the pipeline of a migration. The list below is its order; each transformer's file tells the rest.
func NewPipeline(options Options) *Pipeline {
	registrations := workload.NewRegistrations(options.Registrations)
	transformers := []Transformer{
		// What the source's API server and controllers wrote goes first, so that nothing further down takes it for the user's.
		serverMetadata{},
		// What a failover has stopped already, or an earlier migration brought here stopped, is seen as it runs by all that follow.
		resume{registrations: registrations, reported: options.StartApplications},

		// Kinds with fields that mean something in one cluster only. They see the names of namespaces as at the source.
		service{keepAddresses: options.KeepServiceAddresses},
		persistentVolume{},
		persistentVolumeClaim{},
		clusterRoleBinding{namespaces: options.Namespaces},
		serviceAccountToken{},
		serviceAccount{},
		job{},
		customResourceDefinition{},
		namespace{},
		endpoints{},
		virtualMachine{},

		// The status goes after the kinds: whether a Job has finished is in it.
		status{registrations: registrations},

		// Any kind can refer to a namespace or a project.
		newRename(options.Namespaces),
		newRancher(options.ProjectMappings),
		gitOps{},

		// The user has the last word on what the object is, selected by the labels that it has at the source.
		newUserTransformations(options),
	}
	if options.StartApplications {
		return &Pipeline{transformers: transformers}
	}
	return &Pipeline{transformers: append(transformers,
		// Stopping comes after the user's changes: the replicas that a user wishes for are for the day of the failover.
		suspend{registrations: registrations},
		// A stashed custom resource is stored as all of the above left it.
		stash{registrations: registrations, ownedClaims: options.OwnedClaims},
	)}
}
