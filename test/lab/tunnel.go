package lab

import (
	"net"
	"testing"

	"github.com/miekg/dns"
)

// TunnelDomain is the search domain of the machine at the other end of a [Tunnel].
const TunnelDomain = "corp.example.net."

// Tunnel starts a resolver like those that containers and virtual machines have on Windows and macOS, until the end of the test. It
// knows 192.0.2.90 for all names below example.org, and no AAAA. It denies the names below vpnkit.example.org for AAAA, as vpnkit
// does (docker/for-mac#5088). For AAAA of others it denies another name, with the search domain of the machine at its end, as the
// tunnel of WSL2 is reported to (microsoft/WSL#13415).
func Tunnel(t *testing.T, addr string) {
	t.Helper()
	udp, tcp, err := Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(tunnel)
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		go func() { _ = s.ActivateAndServe() }() // it ends with its socket
	}
	t.Cleanup(func() {
		udp.Close()
		tcp.Close()
	})
}

func tunnel(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg).SetReply(r)
	q := &m.Question[0]
	switch {
	case !dns.IsSubDomain("example.org.", q.Name):
		m.Rcode = dns.RcodeNameError
	case q.Qtype == dns.TypeA:
		header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 30}
		m.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 90)}}
	default:
		m.Rcode = dns.RcodeNameError
		if !dns.IsSubDomain("vpnkit.example.org.", q.Name) {
			q.Name += TunnelDomain
		}
	}
	_ = w.WriteMsg(m) // the client asks again
}
