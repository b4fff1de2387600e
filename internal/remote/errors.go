package remote

import (
	"fmt"
	"strings"
	"unicode"
)

// InvalidError means that a kubeconfig is malformed or refused. It never holds anything of a credential.
type InvalidError struct {
	// Entry is the part of the kubeconfig, for example `user "admin"`; empty for all of it.
	Entry string
	// Problem is what is wrong.
	Problem string
	// Remedy is what the user can do; empty where the problem says it all.
	Remedy string
}

func (e *InvalidError) Error() string {
	text := "kubeconfig: "
	if e.Entry != "" {
		text += e.Entry + ": "
	}
	text += e.Problem
	if e.Remedy != "" {
		text += ": " + e.Remedy
	}
	return text
}

// SecretNotFoundError means that a ClusterPair's kubeconfigSecretRef names nothing.
type SecretNotFoundError struct {
	// Namespace and Name of the Secret.
	Namespace, Name string
	// Key that the Secret lacks; empty when the Secret itself does not exist.
	Key string
}

func (e *SecretNotFoundError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("there is no Secret %s/%s: create it or correct spec.kubeconfigSecretRef", e.Namespace, e.Name)
	}
	return fmt.Sprintf("Secret %s/%s has no key %s: add it or correct spec.kubeconfigSecretRef", e.Namespace, e.Name, e.Key)
}

// UnreachableError means that an API server did not answer, or not as one.
type UnreachableError struct {
	// Server is its host and port.
	Server string
	// Problem is what happened. It is the same each time the same happens.
	Problem string
	// Remedy is what the user can do.
	Remedy string
}

func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("%s cannot be reached: %s", e.Server, e.Problem)
	if e.Remedy != "" {
		text += ": " + e.Remedy
	}
	return text
}

// UnauthorizedError means that an API server does not accept a credential.
type UnauthorizedError struct {
	// Server is its host and port.
	Server string
}

func (e *UnauthorizedError) Error() string {
	return fmt.Sprintf("%s does not accept the credential, which may have expired or been revoked: renew it in the ClusterPair or its Secret", e.Server)
}

// quoted returns a name from outside so that it fits into a message.
func quoted(name string) string {
	return `"` + printable(name, 100) + `"`
}

// printable returns text from outside without what disturbs a terminal, cut to a number of characters.
func printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
