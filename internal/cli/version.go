package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// imageTimeout is how long `version` looks for the operator: it is useful without a cluster too.
const imageTimeout = 5 * time.Second

func newVersionCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version of storkctl and, if there is exactly one to be seen, the image of the operator",
		Example:           "  storkctl version",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g.println("storkctl Version: " + g.Version)
			ctx, cancel := context.WithTimeout(cmd.Context(), imageTimeout)
			defer cancel()
			if image := g.operatorImage(ctx); image != "" {
				g.println("stork Image: " + image)
			}
			return nil
		},
	}
}

// operatorImage returns the image of the only Deployment that is labelled as the operator, if that has one container. It is
// empty where there is none, there are several, or nothing can be seen.
func (g *globals) operatorImage(ctx context.Context) string {
	c, err := g.client()
	if err != nil {
		return ""
	}
	images := map[client.ObjectKey]string{}
	for _, labels := range []client.MatchingLabels{{"name": "stork"}, {"app.kubernetes.io/name": "godwit"}} {
		list := &appsv1.DeploymentList{}
		if err := c.List(ctx, list, labels); err != nil {
			return ""
		}
		for _, d := range list.Items {
			if containers := d.Spec.Template.Spec.Containers; len(containers) == 1 {
				images[client.ObjectKeyFromObject(&d)] = containers[0].Image
			}
		}
	}
	if len(images) != 1 {
		return ""
	}
	for _, image := range images {
		return image
	}
	return ""
}
