package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// each returns the errors that were joined in err, or err alone.
func each(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range several.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// message puts an answer of the API server, or none, into kubectl's words where nothing was added to it; an error that says
// what was tried is printed as it is.
func message(err error) string {
	switch e := err.(type) { //nolint:errorlint // What was added to an answer is worth more than kubectl's words.
	case apierrors.APIStatus:
		return serverMessage(e.Status(), err)
	case *url.Error:
		return connectionMessage(e)
	}
	switch {
	case clientcmd.IsEmptyConfig(err):
		return "error: no kubeconfig found: name one with --kubeconfig or in the environment variable KUBECONFIG"
	case apimeta.IsNoMatchError(err):
		return fmt.Sprintf("error: %s: are the CustomResourceDefinitions of Godwit or Stork installed in this cluster?", strings.TrimPrefix(err.Error(), "error: "))
	default:
		return "error: " + strings.TrimPrefix(err.Error(), "error: ")
	}
}

func serverMessage(status metav1.Status, err error) string {
	switch {
	case status.Reason == metav1.StatusReasonUnauthorized:
		return fmt.Sprintf("error: You must be logged in to the server (%s)", status.Message)
	case status.Reason != "":
		return fmt.Sprintf("Error from server (%s): %s", status.Reason, err)
	default:
		return fmt.Sprintf("Error from server: %s", err)
	}
}

func connectionMessage(err *url.Error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		host := err.URL
		if u, parseErr := url.Parse(err.URL); parseErr == nil {
			host = u.Host
		}
		return fmt.Sprintf("The connection to the server %s was refused - did you specify the right host or port?", host)
	}
	return fmt.Sprintf("Unable to connect to the server: %v", err.Err)
}
