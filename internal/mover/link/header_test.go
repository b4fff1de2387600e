package link

import (
	"bytes"
	"testing"
)

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("\x00\x13{\"purpose\":\"echo\"}"))
	f.Add([]byte("\xff\xff{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var head header
		reader := bytes.NewReader(data)
		if err := readMessage(reader, &head); err != nil {
			return
		}
		if read := len(data) - reader.Len(); read > maxMessage+2 {
			t.Errorf("it read %d bytes", read)
		}
		var out bytes.Buffer
		if err := writeMessage(&out, head); err != nil {
			return // It is longer encoded anew.
		}
		var again header
		if err := readMessage(&out, &again); err != nil || again != head {
			t.Errorf("%+v became %+v: %v", head, again, err)
		}
	})
}
