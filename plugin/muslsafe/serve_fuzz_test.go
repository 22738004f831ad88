package muslsafe

import (
	"context"
	"errors"
	"testing"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// allFixes has every fix on that can be on together with the others.
func allFixes(cfg *config) {
	for f := noFix + 1; f < numFixes; f++ {
		cfg.enabled[f] = f != fixDot && f != fixIPv4only
	}
}

// wires is a next plugin that answers with what packets hold, as forward would: by type, and by whether the name is the
// client's. What does not unpack is a failure.
func wires(name string, packets [4][]byte) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		i := halfOf(r.Question[0].Qtype)
		if r.Question[0].Name != name {
			i += 2
		}
		m := new(dns.Msg)
		if err := m.Unpack(packets[i]); err != nil {
			return dns.RcodeServerFailure, err
		}
		m.Id = r.Id
		return dns.RcodeSuccess, w.WriteMsg(m)
	}
}

// FuzzServeDNS has an upstream that says anything: malformed packets, other questions, foreign records, the longest names
// and pointers that go round in circles.
func FuzzServeDNS(f *testing.F) {
	pack := func(m *dns.Msg) []byte {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		return wire
	}
	loop := append(pack(query(".", dns.TypeA))[:12], 0xc0, 12, 0, 1, 0, 1)
	for i, name := range []string{plainName, clusterName, nodeName, firstName, wildName, leaked} {
		good := pack(answer(query(name, dns.TypeA), data))
		none := pack(answer(query(name, dns.TypeAAAA), nodata))
		f.Add(name, byte(i), good, none, good, none)
		f.Add(name, byte(i), pack(answer(query(name, dns.TypeA), nxdomain)), good, none, loop)
		f.Add(name, byte(i), pack(bigAnswer(longName("www", 254), dns.TypeA, 3, 254, 20)), loop, good, none)
		f.Add(name, byte(i), pack(bigAnswer(name, dns.TypeA, 10, 60, 30)), []byte{}, none, none)
	}
	f.Fuzz(func(t *testing.T, name string, kind byte, a, aaaa, otherA, otherAAAA []byte) {
		r := query(dns.Fqdn(name), []uint16{dns.TypeA, dns.TypeAAAA}[kind&1])
		if _, err := r.Pack(); err != nil {
			return // no domain name
		}
		if kind&2 != 0 {
			r.SetEdns0(1232, false)
		}
		more := []func(*config){allFixes}
		if kind&8 != 0 {
			more = append(more, with(fixIPv4only))
		}
		next := wires(r.Question[0].Name, [4][]byte{a, aaaa, otherA, otherAAAA})
		checkServed(t, testPlugin(next, more...), &test.ResponseWriter{TCP: kind&4 != 0}, r)
	})
}

// checkServed sends a query to p, and checks what goes for every answer.
func checkServed(t *testing.T, p *Muslsafe, w dns.ResponseWriter, r *dns.Msg) {
	t.Helper()
	ctx := metadata.ContextWithMetadata(t.Context())
	rec := dnstest.NewMultiRecorder(w)
	rcode, _ := p.ServeDNS(ctx, rec, r.Copy())
	isFailure := rcode == dns.RcodeServerFailure
	if len(rec.Msgs) > 1 || len(rec.Msgs) == 0 != isFailure {
		t.Fatalf("%d messages and return code %d; want one of the two", len(rec.Msgs), rcode)
	}
	if isFailure {
		return
	}
	m := rec.Msgs[0]
	if m.Id != r.Id {
		t.Errorf("ID %d; want %d", m.Id, r.Id)
	}
	applied := ""
	if f := metadata.ValueFunc(ctx, metadataFix); f != nil {
		applied = f()
	}
	if applied == "" {
		return // as it came
	}
	checkFixed(t, m, r, w, applied)
}

// checkFixed checks an answer that a fix made or changed.
func checkFixed(t *testing.T, m, r *dns.Msg, w dns.ResponseWriter, applied string) {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatalf("%s: %v does not pack: %v", applied, m, err)
	}
	o := outcomeOf(m, r.Question[0].Qtype)
	hasSOA := false
	for _, rr := range m.Ns {
		hasSOA = hasSOA || rr.Header().Rrtype == dns.TypeSOA
	}
	if o != data && applied != "fit" && !hasSOA {
		t.Errorf("%s: %v; want an SOA", applied, m)
	}
	if _, tcp := clientOf(w); tcp || r.IsEdns0() != nil {
		return
	}
	if !isSmall(m) && (o != data || len(m.Answer) > 1) {
		t.Errorf("%s: %d octets with %d records; want at most %d", applied, len(wire), len(m.Answer), smallSize)
	}
}

// FuzzSearches puts names to all that makes other names of them: those are names of the search, they pack, and none is
// asked for that is a leak.
func FuzzSearches(f *testing.F) {
	f.Add("www.example.net.default.svc.cluster.local.", "cluster.local", "corp.example.org", "example.org")
	f.Add("db.corp.example.org.", "cluster.local", "corp.example.org", "example.org")
	f.Add("a.b.c.uk.svc.a.b.", "a.b", "c.d", "d")
	f.Add("svc.svc.svc.svc.svc.k.", "k", "svc", "svc.k2")
	f.Fuzz(func(t *testing.T, name, cluster, node1, node2 string) {
		name = lower(dns.Fqdn(name))
		if _, err := query(name, dns.TypeA).Pack(); err != nil {
			return // no domain name
		}
		domains, err := parseDomains([]string{cluster, node1, node2})
		if err != nil {
			return // no domains
		}
		cfg := newConfig()
		cfg.setSuffixes(domains[:1], domains[1:])
		if problem := problemOfSearches(cfg, name); problem != nil {
			t.Errorf("%s with %s: %v", name, cfg, problem)
		}
	})
}

func problemOfSearches(cfg *config, name string) error {
	var asked []string
	if p := cfg.suffixes.place(name); p.scope == node {
		asked = append(asked, cfg.suffixes.ahead(name, p.at)...)
	}
	if s, ok := cfg.suffixes.firstStep(name); ok {
		if s.x+s.namespaceName() != name {
			return errors.New("the first step is another name")
		}
		for _, c := range cfg.candidates(s) {
			asked = append(asked, c.name)
		}
	}
	for _, n := range asked {
		if _, leaks := cfg.suffixes.leak(n); leaks {
			return errors.New("asks for the leak " + n)
		}
		if _, err := query(n, dns.TypeA).Pack(); err != nil {
			return errors.New("asks for " + n + ", which does not pack")
		}
	}
	return problemOfAsked(cfg, name, asked)
}
