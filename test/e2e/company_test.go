package e2e

import (
	"net"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func dnsmasq(config string) func(t *testing.T) {
	return func(t *testing.T) { lab.Dnsmasq(t, "listen-address=127.0.0.2\n"+config) }
}

func unbound(zone string) func(t *testing.T) {
	return func(t *testing.T) { lab.Unbound(t, "interface: 127.0.0.2\n"+zone) }
}

// scripted is a server that answers by a function; nil is silence.
func scripted(answer func(r *dns.Msg) *dns.Msg) func(t *testing.T) {
	return func(t *testing.T) {
		conn, err := net.ListenPacket("udp", "127.0.0.2:53")
		if err != nil {
			t.Fatal(err)
		}
		server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
			if m := answer(r); m != nil {
				_ = w.WriteMsg(m)
			}
		})}
		done := make(chan error, 1)
		go func() { done <- server.ActivateAndServe() }()
		t.Cleanup(func() {
			_ = conn.Close()
			<-done
		})
	}
}

// compactDenial answers every name as existing and without records (RFC 9824).
func compactDenial(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	soa, err := dns.NewRR("example.com. 1800 IN SOA ns.example.com. dns.example.com. 1 10000 2400 604800 1800")
	if err != nil {
		panic(err)
	}
	m.Ns = []dns.RR{soa}
	return m
}

// dropsAAAA knows lb.example.com, says nothing to AAAA, and denies the rest.
func dropsAAAA(r *dns.Msg) *dns.Msg {
	switch q := r.Question[0]; {
	case q.Name != "lb.example.com.":
		return new(dns.Msg).SetRcode(r, dns.RcodeNameError)
	case q.Qtype == dns.TypeA:
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(wrong)}}
		return m
	}
	return nil
}
