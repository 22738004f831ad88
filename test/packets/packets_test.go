// Package packets sends raw packets to a whole server.
package packets

import (
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	coretest "github.com/coredns/coredns/test"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/chain"
	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) {
	if err := chain.Install(); err != nil {
		panic(err)
	}
	if flag.Parse(); *record {
		os.Exit(lab.Main(m))
	}
	os.Exit(m.Run())
}

const leaked = "web.default.svc.cluster.local.example.com."

const corefile = `.:0 {
	bind 127.0.0.1
	muslsafe {
		search corp.example.com
		complete
		wildcard
		dot
	}
	cache 30
	template IN A example.org {
		answer "{{ .Name }} 60 IN A 192.0.2.80"
	}
	template IN ANY . {
		rcode NXDOMAIN
		authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
	}
}`

// addresses are those of a server, by network.
type addresses map[string]string

// start runs a server in this process until the test ends.
func start(t testing.TB, corefile string) addresses {
	t.Helper()
	server, udp, tcp, err := coretest.CoreDNSServerAndPorts(corefile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return addresses{"udp": udp, "tcp": tcp}
}

// FuzzPackets sends packets to a whole server, over UDP and TCP. It may answer them as it likes, and answers a proper query
// after each.
func FuzzPackets(f *testing.F) {
	for _, q := range readTraffic(f).queries {
		f.Add(q.packet)
	}
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01")) // a pointer to itself
	addr := start(f, corefile)
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > 4096 {
			return // more than a server reads
		}
		for _, network := range []string{"udp", "tcp"} {
			if m, err := askAfter(network, addr[network], packet); err != nil || m.Rcode != dns.RcodeNameError {
				t.Errorf("%x over %s: the next answer is %v, %v; want NXDOMAIN", packet, network, m, err)
			}
		}
	})
}

// askAfter sends a packet and then a proper query from one socket, and returns the answer to that.
func askAfter(network, addr string, packet []byte) (*dns.Msg, error) {
	conn, err := dns.DialTimeout(network, addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(packet); err != nil {
		return nil, err
	}
	r := new(dns.Msg).SetQuestion(leaked, dns.TypeA)
	if err := conn.WriteMsg(r); err != nil {
		return nil, err
	}
	for {
		m, err := conn.ReadMsg()
		if err != nil || m.Id == r.Id && slices.Equal(m.Question, r.Question) {
			return m, err
		}
	}
}
