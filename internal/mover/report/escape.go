package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a path printable: what is no printable character of UTF-8, and the backslash, becomes \xNN, byte by byte.
func Escape(path string) string {
	var out strings.Builder
	for i := 0; i < len(path); {
		r, size := utf8.DecodeRuneInString(path[i:])
		if (r == utf8.RuneError && size == 1) || !unicode.IsPrint(r) || r == '\\' {
			for _, b := range []byte(path[i : i+size]) {
				fmt.Fprintf(&out, `\x%02x`, b)
			}
		} else {
			out.WriteString(path[i : i+size])
		}
		i += size
	}
	return out.String()
}

// cut shortens text to at most n bytes, between characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
