package remote

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tooLargeError is told as an API server tells it, for callers that can ask for less.
type tooLargeError struct{}

func (tooLargeError) Error() string { return "its answer is larger than allowed" }

// Status implements apierrors.APIStatus.
func (e tooLargeError) Status() metav1.Status {
	return metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusRequestEntityTooLarge, Reason: metav1.StatusReasonRequestEntityTooLarge, Message: e.Error(),
	}
}

// boundedBody fails once it weighed more than left bytes, and ends the request's deadline when it is closed.
type boundedBody struct {
	io.ReadCloser
	left   int64
	weight weight
	cancel context.CancelFunc
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLargeError{}
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= b.weight.add(p[:n]); b.left < 0 {
		return 0, tooLargeError{}
	}
	return n, err
}

func (b *boundedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// What parts of JSON weigh, in bytes: about what they take when they were decoded into maps and lists.
const (
	// weightByte is that of each byte: it is in the answer, in what the answer grew from, and in a string.
	weightByte  = 3
	weightMap   = 64
	weightFirst = 272 // A map's first key makes room for eight.
	weightKey   = 48
	weightList  = 40
	weightItem  = 24
)

// weight judges JSON by what it becomes, which may be fifty times as large, without looking at whether it is valid.
type weight struct {
	inString, escaped, opened bool
}

// add returns what the next piece weighs.
func (w *weight) add(content []byte) int64 {
	total := int64(len(content)) * weightByte
	for _, c := range content {
		switch {
		case w.inString:
			w.inString = c != '"' || w.escaped
			w.escaped = c == '\\' && !w.escaped
		case c == '"':
			w.inString = true
		case c == '{':
			w.opened = true
			total += weightMap
		case c == ':' && w.opened:
			w.opened = false
			total += weightFirst
		case c == ':':
			total += weightKey
		case c == '[':
			total += weightList
		case c == ',':
			total += weightItem
		case c == '}':
			w.opened = false
		}
	}
	return total
}

// redact takes the credential out of an answer that refuses something: some servers and gateways send back what they were sent,
// and the message goes into statuses and events, which more people may read than the credential.
func redact(response *http.Response, authorization string) error {
	content, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	for _, secret := range secretsIn(authorization) {
		content = bytes.ReplaceAll(content, []byte(secret), []byte("[redacted]"))
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	return nil
}

// withoutEcho replaces an error that quotes the credential: net/http quotes what it takes for a broken answer.
func withoutEcho(err error, authorization string) error {
	text := err.Error()
	if slices.ContainsFunc(secretsIn(authorization), func(secret string) bool { return strings.Contains(text, secret) }) {
		return errNoHTTP
	}
	return err
}

// minSecret is the length below which a secret would be found in any text.
const minSecret = 4

// secretsIn returns what must not be told of an Authorization header, as it is and as JSON writes it.
func secretsIn(authorization string) []string {
	scheme, credential, _ := strings.Cut(authorization, " ")
	secrets := []string{credential}
	if plain, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "basic") {
		_, password, _ := strings.Cut(string(plain), ":")
		secrets = append(secrets, password)
	}
	var all []string
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		all = append(all, secret)
		if quoted, err := json.Marshal(secret); err == nil {
			all = append(all, string(quoted[1:len(quoted)-1]))
		}
	}
	return all
}
