package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var (
	testServer = netip.MustParseAddrPort("192.0.2.53:53")
	testClient = netip.MustParseAddr("192.0.2.7")
)

// scripted has a search domain that answers as names say, one with an address for every name, and names as they are.
var scripted = &upstream.Script{Zones: []upstream.Zone{
	{Name: "d1.test.", Net: 1, Scripted: true},
	{Name: "d2.test.", Net: 2},
	{Name: "plain.test.", Net: 3, Scripted: true},
	{Name: upstream.LinkZone, Net: 4},
}}

var testConf = stub.Config{Servers: []netip.Addr{testServer.Addr()}, Search: []string{"d1.test", "d2.test"}, Ndots: 5, Timeout: 5 * time.Second, Attempts: 2}

// sent returns the events of one lookup of a model, as a capture has them.
func sent(m *stub.Model, name string, family stub.Family, begin time.Duration, port uint16) (all []packets.Event) {
	return sentIn(m, testConf, name, family, scripted.Exchange, begin, port)
}

// sentIn is sent in any world.
func sentIn(m *stub.Model, c stub.Config, name string, family stub.Family, ask stub.Exchange, begin time.Duration, port uint16) (all []packets.Event) {
	r := m.Lookup(c, name, family, ask)
	for _, s := range r.Steps {
		port++
		for _, p := range s.Packets {
			all = append(all, eventsOf(p, begin, port)...)
		}
	}
	slices.SortStableFunc(all, func(a, b packets.Event) int { return int(a.At - b.At) })
	return all
}

// eventsOf returns what a capture has of one packet of a model.
func eventsOf(p stub.Packet, begin time.Duration, port uint16) (all []packets.Event) {
	id := 1000*port + p.Query.Type
	e := packets.Event{
		At: begin + p.Query.At, Kind: packets.Query, Client: netip.AddrPortFrom(testClient, port), Server: netip.AddrPortFrom(p.Query.Server, 53),
		Transport: p.Query.Transport, Message: p.Query.Wire(id),
	}
	if p.Query.Transport == stub.TCP {
		e.Client = netip.AddrPortFrom(testClient, port+20000+p.Query.Type+100*uint16(p.Query.Attempt))
		all = append(all, packets.Event{At: e.At, Kind: packets.Opened, Client: e.Client, Server: e.Server, Transport: stub.TCP})
	}
	if all = append(all, e); p.Reply.Fate == stub.Silent {
		return all
	}
	e.At, e.Message = e.At+p.Reply.Delay, slices.Clone(p.Reply.Bytes)
	e.Kind = map[stub.Fate]packets.Kind{
		stub.Answered: packets.Reply, stub.Refused: packets.Refused, stub.Closed: packets.Closed, stub.Reset: packets.Reset,
	}[p.Reply.Fate]
	switch {
	case e.Kind == packets.Reply:
		e.Message[0], e.Message[1] = byte(id>>8), byte(id)
	case p.Query.Transport == stub.UDP:
		e.Message = p.Query.Wire(id) // which the error quotes
	}
	return append(all, e)
}

// behaviours are pairs of answers of many kinds.
func behaviours() (names []string) {
	answers := upstream.Pairable()
	for a := upstream.CNAMEOnly; a <= upstream.Garbage; a++ {
		answers = append(answers, a)
	}
	for _, a := range answers {
		for _, b := range answers {
			names = append(names, fmt.Sprintf("%v.%v.x", a, b))
		}
	}
	for i := range 200 {
		names = append(names, fmt.Sprintf("mangled-n%d.data.x", i), fmt.Sprintf("mangled-n%d.mangled-n%d.x", i, i+1))
	}
	return append(names, "data-c2.data-c2.x", "data-n20.data.x", "data-n28.data.x", "data-n29.data.x", "data-n40-u.data.x", "data-c8-l60.nodata.x", "data-d900.data.x", "data-d1100.data.x")
}

// TestPlain replays lookups that count as plain: what every libc makes of them must be the same, and nothing may be wrong.
func TestPlain(t *testing.T) {
	plain, all := 0, 0
	var tr *tracker
	check := func(l *lookup) {
		all++
		searched := len(l.steps) > 1 || strings.HasSuffix(l.steps[0].name, ".d1.test.")
		found, ok := plainLookup(l, searched)
		if !ok {
			return
		}
		plain++
		v := newEngine(&tr.names).judge(l, testConf.Search, 5)
		first := v.outcomes[0].Result
		for _, o := range v.outcomes {
			if len(v.causes) > 0 || o.Unknown != "" && found || (o.Result.Err == stub.OK) != found || found && !sameAddrs(o.Result, first) {
				t.Errorf("%s: plain, found %v; but %s: %v %v, unknown %q, causes %v", l.steps[0].name, found, o.Model.Name, o.Result.Err, o.Result.V4, o.Unknown, v.causes)
			}
		}
	}
	tr = newTracker(check, func(*lookup) {}, func(*client) []string { return testConf.Search })
	at, port := time.Duration(0), uint16(1000)
	for _, name := range behaviours() {
		for _, m := range models {
			for _, name := range []string{name, name + ".plain.test."} {
				at, port = at+30*time.Second, 1000+(port+40)%20000
				for _, e := range sent(m, name, stub.Both, at, port) {
					tr.event(&e)
				}
			}
		}
	}
	tr.flush(false)
	if t.Logf("%d of %d lookups are plain", plain, all); plain < 100 {
		t.Errorf("%d of %d lookups are plain; want 100 at the least, as the test is about them", plain, all)
	}
}

func sameAddrs(a, b stub.Result) bool {
	addrs := func(r stub.Result) []netip.Addr {
		return slices.SortedFunc(slices.Values(append(slices.Clone(r.V4), r.V6...)), netip.Addr.Compare)
	}
	return slices.Equal(addrs(a), addrs(b))
}

// TestPlainReply has one reply a row.
func TestPlainReply(t *testing.T) {
	const name = "www.example.org."
	reply := func(rrs ...string) []byte {
		m := new(dns.Msg).SetQuestion(name, dns.TypeA)
		m.Response, m.RecursionAvailable, m.Compress = true, true, true
		for _, text := range rrs {
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		msg, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	with := func(msg []byte, at int, to byte) []byte { msg[at] = to; return msg }
	address := "www.example.org. 30 IN A 192.0.2.80"
	alias := "www.example.org. 30 IN CNAME web.example.net."
	for _, tc := range []struct {
		about string
		msg   []byte
		says  say
		ok    bool
	}{
		{"an address", reply(address), data, true},
		{"an alias", reply(alias, "web.example.net. 30 IN A 192.0.2.80"), data, true},
		{"an alias alone", reply(alias), nodata, true},
		{"nothing", reply(), nodata, true},
		{"NXDOMAIN", with(reply(), 3, 0x83), nxdomain, true},
		{"the question in other letters", with(reply(address), 13, 'W'), data, true},
		{"SERVFAIL", with(reply(), 3, 0x82), 0, false},
		{"truncated", with(reply(address), 2, 0x83), 0, false},
		{"a question", with(reply(address), 2, 1), 0, false},
		{"nobody's referral", with(reply(), 3, 0), nodata, false},
		{"another question", with(reply(address), 13, 'x'), 0, false},
		{"another type", with(reply(address), 30, 28), 0, false},
		{"another owner", reply("example.net. 30 IN A 192.0.2.80"), 0, false},
		{"the alias behind", reply("web.example.net. 30 IN A 192.0.2.80", alias), 0, false},
		{"an alias with a letter that glibc does not take", reply(`www.example.org. 30 IN CNAME w\$b.example.net.`), 0, false},
		{"another record", reply(`www.example.org. 30 IN CAA 0 issue "example.org"`, address), 0, false},
		{"no end", reply(address)[:40], 0, false},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if says, ok := plainReply(tc.msg, name, dns.TypeA); ok != tc.ok || ok && says != tc.says {
				t.Errorf("plainReply = %v, %v; want %v, %v", says, ok, tc.says, tc.ok)
			}
		})
	}
}
