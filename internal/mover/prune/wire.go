package prune

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// maxAsked is how many names one question has.
	maxAsked = 256
	// maxPath and maxName bound what a question may hold, in bytes.
	maxPath = 64 << 10
	maxName = 4 << 10
)

// question asks which of the names in a folder are gone.
type question struct {
	// id is at least 1: 0 ends the questions.
	id     uint64
	folder string
	names  []string
}

// errBroken says that the other end does not keep to the protocol.
var errBroken = errors.New("the other mover does not keep to the protocol")

func (q question) encode(to []byte) []byte {
	to = binary.AppendUvarint(to, q.id)
	to = appendText(to, q.folder)
	to = binary.AppendUvarint(to, uint64(len(q.names)))
	for _, name := range q.names {
		to = appendText(to, name)
	}
	return to
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// readQuestion reads a question, or returns one with the id 0.
func readQuestion(r *bufio.Reader) (q question, err error) {
	if q.id, err = binary.ReadUvarint(r); err != nil || q.id == 0 {
		return q, err
	}
	if q.folder, err = readText(r, maxPath); err != nil {
		return q, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return q, err
	}
	if n > maxAsked {
		return q, fmt.Errorf("%w: it asks for %d names at once", errBroken, n)
	}
	for range n {
		name, err := readText(r, maxName)
		if err != nil {
			return q, err
		}
		q.names = append(q.names, name)
	}
	return q, nil
}

func readText(r *bufio.Reader, most uint64) (string, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return "", err
	}
	if n > most {
		return "", fmt.Errorf("%w: it sends %d bytes of a name", errBroken, n)
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}
