// Package packets sends raw packets to a whole server.
package packets

import (
	"net"
	"os"
	"testing"

	coretest "github.com/coredns/coredns/test"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/chain"
	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
)

func TestMain(m *testing.M) {
	if err := chain.Install(); err != nil {
		panic(err)
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

// FuzzPackets sends packets to a whole server over UDP. It may answer them as it likes, and answers a proper query after
// each.
func FuzzPackets(f *testing.F) {
	for _, name := range []string{"www.example.org.", leaked, "web.data."} {
		wire, err := new(dns.Msg).SetQuestion(name, dns.TypeAAAA).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
		f.Add(wire[:len(wire)-1])
	}
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x04data\x2e\x00\x01\x00\x01\x00")) // of "search ."
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	server, _, _, err := coretest.CoreDNSServerAndPorts(corefile)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := server.Stop(); err != nil {
			f.Error(err)
		}
	})
	addr := server.Servers()[0].LocalAddr().String()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > 4096 {
			t.Skip("more than a server reads")
		}
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		if m, err := dns.Exchange(new(dns.Msg).SetQuestion(leaked, dns.TypeA), addr); err != nil || m.Rcode != dns.RcodeNameError {
			t.Errorf("%x: the next answer is %v, %v; want NXDOMAIN", packet, m, err)
		}
	})
}
