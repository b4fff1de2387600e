package transform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// step is one part of a path: the key of an object or, where key is empty, the index of a list.
type step struct {
	key   string
	index int
}

func (s step) String() string {
	if s.key == "" {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return s.key
}

// parsePath reads the path of a ResourceTransformation. Keys are separated by dots, as in Stork, and lists take an index from 0:
//
//	spec.template.spec.containers[0].image
//
// A key that contains a dot or a bracket is quoted by ' or ", with or without brackets, or has a backslash before it:
//
//	metadata.annotations.'example.com/owner'
//	metadata.annotations['example.com/owner']
//	metadata.annotations.example\.com/owner
func parsePath(path string) ([]step, error) {
	p := pathParser{rest: path}
	var steps []step
	for first := true; first || p.rest != ""; first = false {
		next, err := p.step(first)
		if err != nil {
			return nil, err
		}
		steps = append(steps, next)
	}
	return steps, nil
}

type pathParser struct {
	rest string
}

func (p *pathParser) step(first bool) (step, error) {
	if strings.HasPrefix(p.rest, "[") && !first {
		return p.bracket()
	}
	if !first {
		rest, ok := strings.CutPrefix(p.rest, ".")
		if !ok {
			return step{}, errors.New("a dot or a bracket must follow")
		}
		p.rest = rest
	}
	if p.rest != "" && isQuote(p.rest[0]) {
		return p.quoted()
	}
	return p.plain()
}

// bracket reads [0] or ['key'].
func (p *pathParser) bracket() (step, error) {
	p.rest = p.rest[1:]
	if p.rest != "" && isQuote(p.rest[0]) {
		s, err := p.quoted()
		rest, ok := strings.CutPrefix(p.rest, "]")
		if err == nil && !ok {
			err = errors.New("the bracket is not closed")
		}
		p.rest = rest
		return s, err
	}
	inside, rest, ok := strings.Cut(p.rest, "]")
	if !ok {
		return step{}, errors.New("the bracket is not closed")
	}
	index, err := strconv.ParseUint(inside, 10, 31)
	if err != nil {
		return step{}, fmt.Errorf("index [%s] must be a whole number from 0, or a key in quotes", inside)
	}
	p.rest = rest
	return step{index: int(index)}, nil
}

// quoted reads up to the closing quote. A quote within, or a backslash, has a backslash before it.
func (p *pathParser) quoted() (step, error) {
	quote := p.rest[0]
	return p.key(p.rest[1:], func(c byte) bool { return c == quote }, true)
}

// plain reads up to the next dot or bracket.
func (p *pathParser) plain() (step, error) {
	return p.key(p.rest, func(c byte) bool { return c == '.' || c == '[' }, false)
}

// key reads text up to a byte that ends it, which is left out if it closes a quote. A backslash makes the next byte ordinary.
func (p *pathParser) key(text string, ends func(byte) bool, closing bool) (step, error) {
	var key strings.Builder
	i := 0
	for ; i < len(text) && !ends(text[i]); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		key.WriteByte(text[i])
	}
	if closing {
		if i == len(text) {
			return step{}, errors.New("the quote is not closed")
		}
		i++
	}
	if key.Len() == 0 {
		return step{}, errors.New("a key is empty")
	}
	p.rest = text[i:]
	return step{key: key.String()}, nil
}

func isQuote(c byte) bool { return c == '\'' || c == '"' }

// isIdentity tells whether the path leads to, into or over a field that says which object this is.
func isIdentity(path []step) bool {
	for _, identity := range [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
		n := min(len(path), len(identity))
		if slices.EqualFunc(path[:n], identity[:n], func(s step, key string) bool { return s.key == key }) {
			return true
		}
	}
	return false
}

// beyondText tells whether the path leads into an annotation or a label of the object or of a template in it: one key too many,
// mostly because of dots in a key that is not quoted.
func beyondText(path []step) bool {
	for i := range len(path) - 3 {
		metadata := path[i].key == "metadata" && (i == 0 || path[i-1].key == "template")
		if metadata && (path[i+1].key == "annotations" || path[i+1].key == "labels") {
			return true
		}
	}
	return false
}
