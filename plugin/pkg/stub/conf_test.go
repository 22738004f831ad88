package stub_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// showConfig writes what the tests below compare.
func showConfig(c stub.Config) string {
	s := fmt.Sprintf("%v %v ndots:%d %gs x%d", c.Servers, c.Search, c.Ndots, c.Timeout.Seconds(), c.Attempts)
	for _, o := range []struct {
		name string
		on   bool
	}{{" single", c.SingleRequest}, {" reopen", c.SingleRequestReopen}, {" tcp", c.UseTCP}, {" no-aaaa", c.NoAAAA}} {
		if o.on {
			s += o.name
		}
	}
	return s
}

func TestParseResolvConf(t *testing.T) {
	fit, long := "search "+strings.Repeat("a.test ", 40)[:247], "search "+strings.Repeat("a.test ", 40)[:248]
	all := strings.TrimSpace(strings.Repeat("a.test ", 36)[:247])
	tests := []struct {
		name, text  string
		musl, glibc string // glibc: "" if the same
	}{
		{"empty", "", "[] [] ndots:1 5s x2", ""},
		{"ordinary", "nameserver 192.0.2.1\nsearch a.test b.test\noptions ndots:5\n", "[192.0.2.1] [a.test b.test] ndots:5 5s x2", ""},
		{"no line end", "search a.test", "[] [a.test] ndots:1 5s x2", ""},
		{"comments", "# search a.test\n;search b.test\n", "[] [] ndots:1 5s x2", ""},
		{"a comment behind is no comment", "search a.test # b.test\n", "[] [a.test # b.test] ndots:1 5s x2", ""},
		{"indented", " search a.test\n", "[] [] ndots:1 5s x2", ""},
		{"longer keyword", "searching a.test\noptionsndots:5\n", "[] [] ndots:1 5s x2", ""},
		{"tabs", "search\ta.test\t b.test\noptions\tndots:3\n", "[] [a.test b.test] ndots:3 5s x2", ""},
		{"the last search wins", "search a.test\nsearch b.test\n", "[] [b.test] ndots:1 5s x2", ""},
		{"domain wins over search", "search a.test b.test\ndomain c.test\n", "[] [c.test] ndots:1 5s x2", ""},
		{"domain with two names", "domain a.test b.test\n", "[] [a.test b.test] ndots:1 5s x2", "[] [a.test] ndots:1 5s x2"},
		{"an empty search", "search a.test\nsearch \n", "[] [] ndots:1 5s x2", "[] [a.test] ndots:1 5s x2"},
		{"root", "search .\n", "[] [.] ndots:1 5s x2", ""},
		{"3 servers", "nameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver 192.0.2.3\n", "[192.0.2.1 2001:db8::1 192.0.2.3] [] ndots:1 5s x2", ""},
		{"4 servers", "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n", "[192.0.2.1 192.0.2.2 192.0.2.3] [] ndots:1 5s x2", ""},
		{"no server", "nameserver\nnameserver here\nnameserver 192.0.2.1\n", "[192.0.2.1] [] ndots:1 5s x2", ""},
		{"caps", "options ndots:16 timeout:61 attempts:11\n", "[] [] ndots:15 60s x10", "[] [] ndots:15 30s x5"},
		{"zero", "options ndots:0 timeout:0 attempts:0\n", "[] [] ndots:0 0s x0", ""},
		{"huge", "options ndots:99999999999999999999\n", "[] [] ndots:15 5s x2", ""},
		{"twice in a line", "options ndots:2 ndots:3\n", "[] [] ndots:2 5s x2", "[] [] ndots:3 5s x2"},
		{"twice", "options ndots:2\noptions ndots:3\n", "[] [] ndots:3 5s x2", ""},
		{"not a number", "options ndots:5 ndots:x\n", "[] [] ndots:5 5s x2", "[] [] ndots:0 5s x2"},
		{"no number", "options ndots:x\n", "[] [] ndots:1 5s x2", "[] [] ndots:0 5s x2"},
		{"glibc's options", "options single-request no-aaaa\n", "[] [] ndots:1 5s x2", "[] [] ndots:1 5s x2 single no-aaaa"},
		{"254 octets", fit + "\n", "[] [" + all + "] ndots:1 5s x2", "[] [" + all + "] ndots:1 5s x2"},
		{"255 octets", long + "\n", "[] [] ndots:1 5s x2", "[] [" + strings.TrimSpace(long[7:]) + "] ndots:1 5s x2"},
		{"254 octets without a line end", fit, "[] [" + all + "] ndots:1 5s x2", ""},
		{"255 octets without a line end", long, "[] [] ndots:1 5s x2", "[] [" + strings.TrimSpace(long[7:]) + "] ndots:1 5s x2"},
		{"the line after a long one", long + "\nsearch b.test\n", "[] [b.test] ndots:1 5s x2", ""},
	}
	for _, tc := range tests {
		for _, m := range stub.Models() {
			want := tc.musl
			if strings.HasPrefix(m.Name, "glibc") && tc.glibc != "" {
				want = tc.glibc
			}
			c, err := m.ParseResolvConf(strings.NewReader(tc.text))
			if got := showConfig(c); err != nil || got != want {
				t.Errorf("%s: %s = %s, %v; want %s", m.Name, tc.name, got, err, want)
			}
		}
	}
}

func TestParseResolvConfFails(t *testing.T) {
	broken := errors.New("broken disk")
	for _, m := range stub.Models() {
		r := io.MultiReader(strings.NewReader("search a.test\n"), iotest.ErrReader(broken))
		if _, err := m.ParseResolvConf(r); !errors.Is(err, broken) {
			t.Errorf("%s: error = %v; want %v", m.Name, err, broken)
		}
	}
}

// Config values that no resolv.conf gives still end.
func TestOddConfigs(t *testing.T) {
	for _, m := range stub.Models() {
		for _, c := range []stub.Config{{}, {Timeout: time.Nanosecond, Attempts: 1}, {Timeout: time.Second, Attempts: 5000}, {Attempts: -1}} {
			r := m.Lookup(c, "silence.silence.d1.test", stub.Both, world.Exchange)
			if r.Err == stub.OK {
				t.Errorf("%s: %+v = OK; want an error", m.Name, c)
			}
		}
	}
}
