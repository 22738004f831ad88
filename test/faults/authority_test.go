//go:build faults

package faults

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// A mood is what an upstream does with a question that arrives at a time after the fault began. The zero behaviour is to
// answer as it should.
type mood func(n int, since time.Duration) upstream.Behaviour

// authority is an upstream. It has an A and an AAAA record for each name below example.org, which follow from the name, so
// that the answer to another question is seen to be wrong, and denies the rest.
type authority struct {
	n    int // which of the upstreams it is
	addr *net.UDPAddr
	conn atomic.Pointer[net.UDPConn]
	mood atomic.Pointer[func(n int) upstream.Behaviour]
}

func startAuthority(t *testing.T, n int, addr [4]byte) *authority {
	t.Helper()
	u := &authority{n: n, addr: &net.UDPAddr{IP: addr[:], Port: 53}}
	u.listen(t)
	t.Cleanup(u.hangUp)
	return u
}

func (u *authority) listen(t *testing.T) {
	t.Helper()
	conn, err := net.ListenUDP("udp", u.addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20) // a burst must not be lost; the kernel gives what it allows
	u.conn.Store(conn)
	go u.serve(conn)
}

// hangUp leaves nobody who listens, so that the kernel refuses what comes.
func (u *authority) hangUp() { u.conn.Load().Close() }

// setMood changes what the upstream does from now on; nil makes it healthy.
func (u *authority) setMood(m mood) {
	if m == nil {
		u.mood.Store(nil)
		return
	}
	began := time.Now()
	f := func(n int) upstream.Behaviour { return m(n, time.Since(began)) }
	u.mood.Store(&f)
}

func (u *authority) serve(conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, client, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		r := new(dns.Msg)
		if r.Unpack(buf[:n]) != nil || len(r.Question) != 1 {
			continue
		}
		reply, delay := u.reply(r)
		if reply == nil {
			continue
		}
		send := func() { _, _ = conn.WriteToUDPAddrPort(reply, client) }
		if delay == 0 {
			send()
			continue
		}
		time.AfterFunc(delay, send)
	}
}

// reply returns the octets to send, nil for silence, and after which time.
func (u *authority) reply(r *dns.Msg) ([]byte, time.Duration) {
	var b upstream.Behaviour
	if m := u.mood.Load(); m != nil {
		b = (*m)(u.n)
	}
	if b.Answer == upstream.Data {
		reply, _ := answer(r).Pack() // it is our own message
		return reply, b.Delay
	}
	z := upstream.Zone{Name: "example.org.", A: b, AAAA: b}
	other := z
	other.Name = "example.com."
	script := &upstream.Script{Zones: []upstream.Zone{z, other}}
	played := script.Exchange(stub.Query{Name: r.Question[0].Name, Type: r.Question[0].Qtype, Attempt: 1})
	if played.Fate != stub.Answered {
		return nil, 0
	}
	played.Bytes[0], played.Bytes[1] = byte(r.Id>>8), byte(r.Id)
	return played.Bytes, played.Delay
}

// answer is that of a healthy upstream.
func answer(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	m.Authoritative, m.RecursionAvailable = true, true
	name := strings.ToLower(r.Question[0].Name)
	exists := strings.HasSuffix(name, ".example.org.")
	hdr := dns.RR_Header{Name: r.Question[0].Name, Class: dns.ClassINET, Ttl: 30, Rrtype: r.Question[0].Qtype}
	v4, v6 := lab.AddressesOf(name)
	switch {
	case exists && hdr.Rrtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: v4.AsSlice()}}
		return m
	case exists && hdr.Rrtype == dns.TypeAAAA:
		m.Answer = []dns.RR{&dns.AAAA{Hdr: hdr, AAAA: v6.AsSlice()}}
		return m
	case !exists && name != ".": // forward asks for the root to see whether somebody is there
		m.Rcode = dns.RcodeNameError
	}
	m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 30},
		Ns: "ns.example.org.", Mbox: "hostmaster.example.org.", Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, Minttl: 30}}
	return m
}

// always is the mood of upstreams that all do the same.
func always(b upstream.Behaviour) mood {
	return func(int, time.Duration) upstream.Behaviour { return b }
}

// flapping upstreams are silent for half of each period.
func flapping(period time.Duration) mood {
	return func(_ int, since time.Duration) upstream.Behaviour {
		if since%period < period/2 {
			return upstream.Behaviour{Answer: upstream.Silence}
		}
		return upstream.Behaviour{}
	}
}

// onlyFirst has trouble with one of the upstreams.
func onlyFirst(m mood) mood {
	return func(n int, since time.Duration) upstream.Behaviour {
		if n > 0 {
			return upstream.Behaviour{}
		}
		return m(n, since)
	}
}

// anyOf does one thing or another.
func anyOf(answers ...upstream.Answer) mood {
	return func(int, time.Duration) upstream.Behaviour {
		return upstream.Behaviour{Answer: answers[rand.IntN(len(answers))]}
	}
}

// reordering delays each answer by a time of its own.
func reordering(most time.Duration) mood {
	return func(int, time.Duration) upstream.Behaviour {
		return upstream.Behaviour{Delay: rand.N(most)}
	}
}
