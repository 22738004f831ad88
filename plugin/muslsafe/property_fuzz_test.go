package muslsafe

import (
	"context"
	"testing"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// wires is a next plugin that answers with these packets, as forward would: A and AAAA of the client's name, and A and AAAA
// of all other names. A packet that does not unpack is a failure.
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

// FuzzServeDNS has an upstream that says anything: malformed packets, other questions, foreign records, the longest names,
// and pointers that go round in circles.
func FuzzServeDNS(f *testing.F) {
	pack := func(m *dns.Msg) []byte {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		return wire
	}
	loop := append(pack(newQuery(".", dns.TypeA))[:12], 0xc0, 12, 0, 1, 0, 1)
	for i, name := range []string{plainName, clusterName, nodeName, firstName, wildName, leaked} {
		good := pack(answer(newQuery(name, dns.TypeA), data))
		none := pack(answer(newQuery(name, dns.TypeAAAA), nodata))
		f.Add(name, byte(i), good, none, good, none)
		f.Add(name, byte(i), pack(answer(newQuery(name, dns.TypeA), nxdomain)), good, none, loop)
		f.Add(name, byte(i), pack(bigAnswer(longName("www", 254), dns.TypeA, 3, 254, 20)), loop, good, none)
		f.Add(name, byte(i), pack(bigAnswer(name, dns.TypeA, 10, 60, 30)), []byte{}, none, none)
	}
	f.Fuzz(func(t *testing.T, name string, kind byte, a, aaaa, otherA, otherAAAA []byte) {
		r := newQuery(dns.Fqdn(name), []uint16{dns.TypeA, dns.TypeAAAA}[kind&1])
		if _, err := r.Pack(); err != nil {
			return // no domain name
		}
		if kind&2 != 0 {
			r.SetEdns0(1232, false)
		}
		more := []func(*config){allFixes}
		if kind&8 != 0 {
			more = append(more, with(verdict.IPv4Only))
		}
		next := wires(r.Question[0].Name, [4][]byte{a, aaaa, otherA, otherAAAA})
		checkServed(t, testPlugin(next, more...), &test.ResponseWriter{TCP: kind&4 != 0}, r)
	})
}

// checkServed sends a query to p, and checks what must be true of every answer.
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
	o := verdict.OutcomeOf(m, r.Question[0].Qtype)
	hasSOA := false
	for _, rr := range m.Ns {
		hasSOA = hasSOA || rr.Header().Rrtype == dns.TypeSOA
	}
	if o != data && applied != "fit" && !hasSOA {
		t.Errorf("%s: %v; want an SOA", applied, m)
	}
	if tcp := isOverTCP(w); tcp || r.IsEdns0() != nil {
		return
	}
	if m.Compress = true; m.Len() > reply.SmallSize && (o != data || len(m.Answer) > 1) {
		t.Errorf("%s: %d octets with %d records; want at most %d", applied, len(wire), len(m.Answer), reply.SmallSize)
	}
}
