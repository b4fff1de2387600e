package remote

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// remedyCopy is for what cannot be a kubeconfig.
const remedyCopy = "put a kubeconfig there as kubectl config view --raw --minify --flatten prints it"

// MaxKubeconfigBytes is the size above which a kubeconfig is refused, as a Secret would refuse it.
const MaxKubeconfigBytes = 1 << 20

// kubeconfig is a kubeconfig whose entries are not decoded yet. In a file the entries are lists, in a ClusterPair written by
// Stork they are maps by name; both are understood everywhere.
type kubeconfig struct {
	clusters, users, contexts map[string]json.RawMessage
	current                   string
}

// The entries embed client-go's types and hide their fields of interface types, which cannot be decoded.

type clusterEntry struct {
	clientcmdapi.Cluster
	Extensions json.RawMessage `json:"extensions"`
}

// userEntry has both spellings of whom to impersonate: a file says "as" where a ClusterPair says "act-as".
type userEntry struct {
	clientcmdapi.AuthInfo
	Exec        *execEntry          `json:"exec"`
	Extensions  json.RawMessage     `json:"extensions"`
	As          string              `json:"as"`
	AsUID       string              `json:"as-uid"`
	AsGroups    []string            `json:"as-groups"`
	AsUserExtra map[string][]string `json:"as-user-extra"`
}

// execEntry has both spellings of the interactive mode: client-go wrote it in upper case before v0.26.
type execEntry struct {
	clientcmdapi.ExecConfig
	OldInteractiveMode clientcmdapi.ExecInteractiveMode `json:"InteractiveMode"`
}

type contextEntry struct {
	clientcmdapi.Context
	Extensions json.RawMessage `json:"extensions"`
}

// parse reads JSON or YAML. Its errors quote nothing of the content but names of entries and fields: decoders' own errors can
// hold pieces of credentials.
func parse(content []byte) (*kubeconfig, error) {
	if len(content) > MaxKubeconfigBytes {
		return nil, &InvalidError{Problem: fmt.Sprintf("it has %d bytes, more than the %d that are allowed", len(content), MaxKubeconfigBytes)}
	}
	content, err := toJSON(content)
	if err != nil {
		return nil, err
	}
	var top struct {
		Clusters json.RawMessage `json:"clusters"`
		Users    json.RawMessage `json:"users"`
		Contexts json.RawMessage `json:"contexts"`
		Current  string          `json:"current-context"`
	}
	if err := json.Unmarshal(content, &top); err != nil {
		return nil, &InvalidError{Problem: decodeProblem(err)}
	}
	k := &kubeconfig{current: top.Current}
	for _, part := range []struct {
		into    *map[string]json.RawMessage
		kind    string
		content json.RawMessage
	}{{&k.clusters, "cluster", top.Clusters}, {&k.users, "user", top.Users}, {&k.contexts, "context", top.Contexts}} {
		if *part.into, err = entries(part.content, part.kind); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func toJSON(content []byte) ([]byte, error) {
	if json.Valid(content) {
		return content, nil
	}
	converted, err := yaml.YAMLToJSON(content)
	if err != nil {
		return nil, &InvalidError{Problem: "it is neither valid YAML nor JSON", Remedy: remedyCopy}
	}
	return converted, nil
}

// entries returns the entries of one kind by name, whether they come as a map or as a list.
func entries(content json.RawMessage, kind string) (map[string]json.RawMessage, error) {
	byName := map[string]json.RawMessage{}
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		if len(content) == 0 {
			return byName, nil
		}
		if err := json.Unmarshal(content, &byName); err != nil {
			return nil, &InvalidError{Entry: kind + "s", Problem: "they are neither a map nor a list", Remedy: remedyCopy}
		}
		maps.DeleteFunc(byName, func(_ string, entry json.RawMessage) bool { return isNull(entry) })
		return byName, nil
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, &InvalidError{Entry: kind + "s", Problem: "they are not a list of objects", Remedy: remedyCopy}
	}
	for _, item := range list {
		var name string
		if err := json.Unmarshal(item["name"], &name); err != nil {
			return nil, &InvalidError{Entry: kind + "s", Problem: "one has no name", Remedy: "name it as the context does"}
		}
		if _, twice := byName[name]; twice {
			return nil, &InvalidError{Entry: kind + " " + quoted(name), Problem: "it is there more than once", Remedy: "remove one or give it another name"}
		}
		if !isNull(item[kind]) {
			byName[name] = item[kind]
		}
	}
	return byName, nil
}

func isNull(content json.RawMessage) bool {
	return len(content) == 0 || string(content) == "null"
}

// chosenEntries are those that the current context leads to. Only they are looked at and used.
type chosenEntries struct {
	clusterName, userName string
	cluster               clientcmdapi.Cluster
	user                  clientcmdapi.AuthInfo
}

func (k *kubeconfig) choose() (*chosenEntries, error) {
	if len(k.contexts) == 0 && len(k.clusters) == 0 && len(k.users) == 0 {
		return nil, &InvalidError{Problem: "it has no clusters, users and contexts", Remedy: remedyCopy}
	}
	if k.current == "" {
		return nil, &InvalidError{Problem: "current-context is not set", Remedy: "set it to one of the contexts (" + names(k.contexts) + ")"}
	}
	var context contextEntry
	if err := find(k.contexts, "context", k.current, &context); err != nil {
		return nil, err
	}
	var cluster clusterEntry
	if err := find(k.clusters, "cluster", context.Cluster, &cluster); err != nil {
		return nil, err
	}
	var user userEntry
	if err := find(k.users, "user", context.AuthInfo, &user); err != nil {
		return nil, err
	}
	return &chosenEntries{clusterName: context.Cluster, userName: context.AuthInfo, cluster: cluster.Cluster, user: user.normalized()}, nil
}

func (u *userEntry) normalized() clientcmdapi.AuthInfo {
	user := u.AuthInfo
	if u.Exec != nil {
		user.Exec = u.Exec.normalized()
	}
	user.Impersonate = cmp.Or(user.Impersonate, u.As)
	user.ImpersonateUID = cmp.Or(user.ImpersonateUID, u.AsUID)
	if len(user.ImpersonateGroups) == 0 {
		user.ImpersonateGroups = u.AsGroups
	}
	if len(user.ImpersonateUserExtra) == 0 {
		user.ImpersonateUserExtra = u.AsUserExtra
	}
	return user
}

// normalized fills in the interactive mode as client-go does for old versions of the plug-in protocol.
func (e *execEntry) normalized() *clientcmdapi.ExecConfig {
	config := e.ExecConfig
	if config.InteractiveMode == "" {
		config.InteractiveMode = e.OldInteractiveMode
	}
	if config.InteractiveMode == "" {
		config.InteractiveMode = clientcmdapi.IfAvailableExecInteractiveMode
	}
	config.StdinUnavailable = true
	config.StdinUnavailableMessage = "used by an operator"
	return &config
}

// find decodes the entry of a name.
func find(byName map[string]json.RawMessage, kind, name string, into any) error {
	content, found := byName[name]
	if !found {
		return &InvalidError{
			Entry:   kind + " " + quoted(name),
			Problem: "there is no such entry",
			Remedy:  "add it, or refer to one of those that are there (" + names(byName) + ")",
		}
	}
	if err := json.Unmarshal(content, into); err != nil {
		return &InvalidError{Entry: kind + " " + quoted(name), Problem: decodeProblem(err)}
	}
	return nil
}

func names(byName map[string]json.RawMessage) string {
	if len(byName) == 0 {
		return "there are none"
	}
	const shown = 10
	all := slices.Sorted(maps.Keys(byName))
	for i := range all {
		all[i] = quoted(all[i])
	}
	if len(all) > shown {
		all = append(all[:shown], "…")
	}
	return strings.Join(all, ", ")
}

// remedyType is for a value of the wrong type.
const remedyType = "write texts such as names and tokens in quotes, and true and false without"

// decodeProblem says what is wrong with a JSON document without quoting from it.
func decodeProblem(err error) string {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if i := strings.LastIndex(wrongType.Field, "."); i >= 0 {
			return "field " + wrongType.Field[i+1:] + " has the wrong type: " + remedyType
		}
		return "it is not an object, or a field of it has the wrong type: " + remedyType
	}
	return "one of its fields is not as it should be: encode what is in fields that end in -data in base64"
}
