package observe

import (
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const leaked = "web.default.svc.cluster.local.example.com."

// TestJSONLog has log write a JSON object for each query, and reads the fix in it.
func TestJSONLog(t *testing.T) {
	lab.Require(t)
	lab.CoreDNS(t, upstream, nil)
	server := lab.CoreDNS(t, `. {
		bind 127.0.0.1
		metadata
		log . "{\"name\":\"{name}\",\"type\":\"{type}\",\"rcode\":\"{rcode}\",\"fix\":\"{/muslsafe/fix}\"}"
		muslsafe
		forward . 127.0.0.2
	}`, nil)
	type line struct{ Name, Type, Rcode, Fix string }
	for _, tc := range []struct {
		name  string
		qtype uint16
		want  line
	}{
		{leaked, dns.TypeSRV, line{leaked, "SRV", "NXDOMAIN", "leak"}},
		{"www.example.org.", dns.TypeAAAA, line{"www.example.org.", "AAAA", "NOERROR", "pair"}},
		{"www.example.org.", dns.TypeA, line{"www.example.org.", "A", "NOERROR", "-"}},
	} {
		lab.Query(t, tc.name, tc.qtype)
		mark := `"name":"` + tc.name + `","type":"` + dns.TypeToString[tc.qtype] + `"`
		server.Await(t, mark)
		var got line
		for text := range strings.Lines(server.Log()) {
			if _, object, ok := strings.Cut(text, "[INFO] {"); ok && strings.Contains(text, mark) {
				if err := json.Unmarshal([]byte("{"+object), &got); err != nil {
					t.Errorf("%q: %v", object, err)
				}
			}
		}
		if got != tc.want {
			t.Errorf("log has %+v; want %+v", got, tc.want)
		}
	}
}

// TestDig reads what dig shows of the Extended DNS Error. Not every version knows the name of the number.
func TestDig(t *testing.T) {
	lab.Require(t)
	dig := lab.LookPath(t, "dig")
	lab.CoreDNS(t, upstream, nil)
	lab.CoreDNS(t, ". {\n bind 127.0.0.1\n muslsafe\n forward . 127.0.0.2\n}\n", nil)
	for _, tc := range []struct{ name, qtype, fix string }{
		{leaked, "A", "leak"},
		{"www.example.org.", "AAAA", "pair"},
	} {
		want := regexp.MustCompile(`(?m)^; EDE: 29(?: \(Synthesized\))?: \(muslsafe ` + tc.fix + `\)$`)
		out, err := exec.Command(dig, "@127.0.0.1", tc.name, tc.qtype).CombinedOutput()
		if err != nil || !want.Match(out) {
			t.Errorf("dig %s %s: %v\n%s\nwant %v", tc.name, tc.qtype, err, out, want)
		}
	}
}

// TestDnstap reads the responses to clients from the socket of dnstap: they are what clients get, not what came from
// the upstream.
func TestDnstap(t *testing.T) {
	lab.Require(t)
	socket := filepath.Join(t.TempDir(), "dnstap.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	frames := make(chan []byte, 64)
	go dnstap.NewFrameStreamSockInput(listener).ReadInto(frames)

	lab.CoreDNS(t, upstream, nil)
	lab.CoreDNS(t, ". {\n bind 127.0.0.1\n dnstap "+socket+" full\n muslsafe\n forward . 127.0.0.2\n}\n", nil)
	for _, tc := range []struct {
		name  string
		qtype uint16
	}{{leaked, dns.TypeA}, {"www.example.org.", dns.TypeAAAA}} {
		want := lab.Query(t, tc.name, tc.qtype)
		if got := clientResponse(t, frames); got.String() != want.String() {
			t.Errorf("dnstap has\n%v\nthe client got\n%v", got, want)
		}
	}
}

// clientResponse returns the next response to a client.
func clientResponse(t *testing.T, frames <-chan []byte) *dns.Msg {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case frame := <-frames:
			tap := new(dnstap.Dnstap)
			if err := proto.Unmarshal(frame, tap); err != nil {
				t.Fatal(err)
			}
			if tap.GetMessage().GetType() != dnstap.Message_CLIENT_RESPONSE {
				continue
			}
			m := new(dns.Msg)
			if err := m.Unpack(tap.GetMessage().GetResponseMessage()); err != nil {
				t.Fatal(err)
			}
			return m
		case <-timeout:
			t.Fatal("dnstap says nothing")
		}
	}
}
