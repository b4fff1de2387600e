package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxMessage bounds what an end says before the purpose takes over, in bytes.
const maxMessage = 1024

// header is the first thing on a connection, from the end that dials.
type header struct {
	Purpose string `json:"purpose"`
	Session string `json:"session"`
}

// answer is what the end that listens says to it.
type answer struct {
	// Refused says why; empty means that the purpose takes over.
	Refused string `json:"refused,omitempty"`
}

// ErrRefused is in the chain of errors that carry why the listening end did not take a connection.
var ErrRefused = errors.New("connection refused by the other mover")

func writeMessage(w io.Writer, message any) error {
	encoded, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(encoded) > maxMessage {
		return fmt.Errorf("a message of %d bytes is too long", len(encoded))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(encoded))), encoded...))
	return err
}

// readMessage reads no byte beyond the message.
func readMessage(r io.Reader, message any) error {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint16(size[:])
	if n > maxMessage {
		return fmt.Errorf("the other end announces %d bytes where at most %d are allowed", n, maxMessage)
	}
	encoded := make([]byte, n)
	if _, err := io.ReadFull(r, encoded); err != nil {
		return err
	}
	return json.Unmarshal(encoded, message)
}
