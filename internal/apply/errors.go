package apply

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// failure wraps what went wrong with an entry in words that its user can act on.
func (e *entry) failure(doing string, err error) error {
	advice := adviceFor(err)
	if e.target.resource.Group == "" && e.target.resource.Resource == "secrets" {
		err = withoutContents(err)
	}
	return briefly(fmt.Errorf("%s %s: %w%s", doing, e.target, err, advice))
}

// longestMessage is in bytes. The API server may quote a whole object, and the results of all objects have to fit in a status.
const longestMessage = 1000

// briefError is an error whose text was cut.
type briefError struct {
	error
	text string
}

func (e briefError) Error() string { return e.text }

func (e briefError) Unwrap() error { return e.error }

// briefly cuts the middle out of a message that is too long: what went wrong is at its beginning or at its end.
func briefly(err error) error {
	text := err.Error()
	if len(text) <= longestMessage {
		return err
	}
	head, tail := text[:longestMessage*2/3], text[len(text)-longestMessage/3:]
	return briefError{err, strings.ToValidUTF8(head, "") + " […] " + strings.ToValidUTF8(tail, "")}
}

// adviceFor returns what the user can do about an error of the API server, where its message does not say so.
func adviceFor(err error) string {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return "; run again when the namespace is gone"
	case apierrors.IsUnauthorized(err):
		return "; renew the credential of the ClusterPair"
	case isUnserved(err):
		return "; the destination does not serve this version of the kind: install what serves it, or exclude the kind"
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), `namespaces "`):
		return "; create the namespace at the destination, or give the ClusterPair the permission to"
	case apierrors.IsInvalid(err) && strings.Contains(err.Error(), "metadata.annotations: Too long"):
		return "; the annotations of an object may have 256 KiB together, and a migration adds some 300 bytes: remove what is not needed at the source, " +
			"for example kubectl.kubernetes.io/last-applied-configuration"
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), " cannot "):
		return "; give the ClusterPair's user that permission at the destination"
	default:
		return ""
	}
}

// withoutContents returns an error of the API server about a Secret without what may quote its values: the server quotes a value
// that is invalid, and a webhook or policy may quote anything.
func withoutContents(err error) error {
	status, isStatus := errors.AsType[*apierrors.StatusError](err)
	if !isStatus || !mayQuote(status.ErrStatus.Code) {
		return err
	}
	safe := *status
	safe.ErrStatus.Details = nil
	message, denied := denier(status.ErrStatus.Message)
	if !denied {
		message = fmt.Sprintf("refused as %s", status.ErrStatus.Reason)
		if fields := invalidFields(status.ErrStatus.Details); len(fields) > 0 {
			message += " at " + strings.Join(fields, ", ")
		}
	}
	safe.ErrStatus.Message = message + " (the rest of the message is left out, since it may quote the Secret)"
	return &safe
}

// mayQuote tells whether an answer of that code is about what was sent.
func mayQuote(code int32) bool {
	return !slices.Contains([]int32{
		http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}, code)
}

// denier returns the part of a message that tells who denied the request: permissions, a quota, a webhook or a policy.
func denier(message string) (string, bool) {
	for _, end := range []string{"denied the request", "denied request", "exceeded quota", "because it is being terminated"} {
		if at := strings.Index(message, end); at >= 0 {
			return message[:at+len(end)], true
		}
	}
	return message, strings.Contains(message, ": User ") && strings.Contains(message, " cannot ")
}

func invalidFields(details *metav1.StatusDetails) []string {
	var fields []string
	if details != nil {
		for _, cause := range details.Causes {
			if cause.Field != "" {
				fields = append(fields, cause.Field)
			}
		}
	}
	return fields
}

// checkServed returns an error if the destination cannot take the entry because it does not know its kind.
func (e *entry) checkServed() error {
	if !e.unserved {
		return nil
	}
	if e.definition != nil {
		if e.definition.err != nil {
			return fmt.Errorf("%s was not brought because CustomResourceDefinition %s did not arrive: see there", e.target, e.definition.target.Name)
		}
		if e.definition.action != ActionUnchanged && e.definition.action != ActionSkipped {
			return nil
		}
	}
	return fmt.Errorf("%s was not brought because the destination does not serve %s of %s: install what serves it there, or exclude the kind",
		e.target, e.target.kind, e.target.resource.GroupVersion())
}
