package cli

import (
	"strconv"
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	tests := map[string]struct {
		text       string
		host, port string
		err        string
	}{
		"a name means port 80":                {text: "abc.com", host: "abc.com", port: "80"},
		"an address needs a port":             {text: "170.160.150.140", err: "port is needed along with ip address 170.160.150.140"},
		"an IPv6 address needs a port":        {text: "2001:db8::1", err: "port is needed along with ip address 2001:db8::1"},
		"name and port":                       {text: "abc.com:9090", host: "abc.com", port: "9090"},
		"address and port":                    {text: "170.160.150.140:9001", host: "170.160.150.140", port: "9001"},
		"IPv6 address and port":               {text: "[2001:db8::1]:9001", host: "2001:db8::1", port: "9001"},
		"http means port 80":                  {text: "http://abc.com", host: "http://abc.com", port: "80"},
		"https means port 443":                {text: "https://abc.com", host: "https://abc.com", port: "443"},
		"http with a port":                    {text: "http://abc.com:9090", host: "http://abc.com", port: "9090"},
		"https with a port":                   {text: "https://abc.com:9090", host: "https://abc.com", port: "9090"},
		"https with an address":               {text: "https://192.0.2.1", host: "https://192.0.2.1", port: "443"},
		"another scheme":                      {text: "ht://abc.com", err: "invalid endpoint ht://abc.com"},
		"a path":                              {text: "https://abc.com/x", err: "invalid endpoint https://abc.com/x"},
		"a path without a scheme":             {text: "abc.com/x", err: "invalid endpoint abc.com/x"},
		"a user":                              {text: "https://me@abc.com", err: "invalid endpoint https://me@abc.com"},
		"no host":                             {text: ":9001", err: "invalid endpoint :9001"},
		"nothing":                             {text: "", err: "invalid endpoint "},
		"a port that is no number":            {text: "abc.com:x", err: `invalid endpoint abc.com:x: "x" is not a port`},
		"a port that is too large":            {text: "abc.com:65536", err: `invalid endpoint abc.com:65536: "65536" is not a port`},
		"too many colons":                     {text: "a:b:c", err: "unable to parse endpoint a:b:c, err: address a:b:c: too many colons in address"},
		"a URL with nothing after the colon":  {text: "https://abc.com:", host: "https://abc.com", port: "443"},
		"a URL without a host":                {text: "https://", err: "invalid endpoint https://"},
		"a URL with a port that is too large": {text: "http://abc.com:99999", err: `invalid endpoint abc.com:99999: "99999" is not a port`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseEndpoint(test.text)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("got %v, want error %q", err, test.err)
				}
				return
			}
			if err != nil || got.host != test.host || got.port != test.port {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, text := range []string{"abc.com", "1.2.3.4:5", "https://abc.com", "http://[::1]:9", "ht://x", "[::1]:1", "http://%zz", "a:b:c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEndpoint(text)
		if err != nil {
			return
		}
		if port, err := strconv.Atoi(e.port); err != nil || port < 1 || port > 65535 {
			t.Errorf("%q has port %q", text, e.port)
		}
		host := strings.TrimPrefix(strings.TrimPrefix(e.host, "https://"), "http://")
		if host == "" || !strings.Contains(text, host) {
			t.Errorf("%q has host %q", text, e.host)
		}
	})
}
