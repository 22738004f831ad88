package lab

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Ask asks a server questions and compares the answers, each once without EDNS and once with it. There is one question per
// line,
//
//	NAME TYPE RCODE [RECORD...] ["[" FIX "]"]
//
// where the records are the data of the answer section and FIX is the fix that the Extended DNS Error must name. A line
// "@ADDRESS:PORT" sets the server for the following lines; the first one is 127.0.0.1:53.
func Ask(t *testing.T, cases string) {
	t.Helper()
	server, asked := "127.0.0.1:53", 0
	for line := range strings.Lines(cases) {
		line = strings.TrimSpace(line)
		if addr, ok := strings.CutPrefix(line, "@"); ok {
			server = addr
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		asked++
		c := parseCase(t, line)
		t.Run(c.name+" "+dns.TypeToString[c.qtype], func(t *testing.T) {
			ask(t, server, c, false)
			ask(t, server, c, true)
		})
	}
	if asked == 0 {
		t.Error("no cases")
	}
}

// Query sends a query to the server on port 53 and returns the reply.
func Query(t *testing.T, name string, qtype uint16) *dns.Msg {
	t.Helper()
	m, err := dns.Exchange(new(dns.Msg).SetQuestion(name, qtype), "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type question struct {
	name    string
	qtype   uint16
	rcode   int
	records []string
	fix     string
}

func parseCase(t *testing.T, line string) question {
	t.Helper()
	var c question
	if before, fix, ok := strings.Cut(line, "["); ok {
		line, c.fix = before, strings.TrimSuffix(fix, "]")
	}
	// A record of several words is in quotes.
	fields := strings.FieldsFunc(line, quoteAware())
	if len(fields) < 3 {
		t.Fatalf("case %q; expect NAME TYPE RCODE [RECORD...] [FIX]", line)
	}
	qtype, ok1 := dns.StringToType[fields[1]]
	rcode, ok2 := dns.StringToRcode[fields[2]]
	if !ok1 || !ok2 {
		t.Fatalf("case %q has no type or no return code", line)
	}
	c.name, c.qtype, c.rcode = fields[0], qtype, rcode
	for _, record := range fields[3:] {
		c.records = append(c.records, strings.Trim(record, `"`))
	}
	return c
}

func quoteAware() func(rune) bool {
	quoted := false
	return func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	}
}

func ask(t *testing.T, server string, c question, edns bool) {
	t.Helper()
	r := new(dns.Msg).SetQuestion(c.name, c.qtype)
	if edns {
		r.SetEdns0(1232, false)
	}
	m, err := dns.Exchange(r, server)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Question) != 1 || m.Question[0] != r.Question[0] {
		t.Errorf("question %v; want %v as it was asked", m.Question, r.Question)
	}
	if m.Rcode != c.rcode || !slices.Equal(recordsOf(m), c.records) {
		t.Errorf("%s %q; want %s %q", dns.RcodeToString[m.Rcode], recordsOf(m), dns.RcodeToString[c.rcode], c.records)
	}
	if c.fix != "" && !m.Authoritative {
		t.Error("the answer is not authoritative")
	}
	if c.fix != "" && !hasType(m.Answer, c.qtype) && (len(m.Ns) != 1 || !hasType(m.Ns, dns.TypeSOA)) {
		t.Errorf("authority %v; want one SOA", m.Ns)
	}
	want := ""
	if c.fix != "" && edns {
		want = "muslsafe " + c.fix
	}
	if got := extendedError(m); got != want {
		t.Errorf("Extended DNS Error %q; want %q", got, want)
	}
	if !edns && m.IsEdns0() != nil {
		t.Errorf("reply has %v; the query had no OPT", m.IsEdns0())
	}
}

// recordsOf returns the data of the answer section. A chain is one record, of its targets and its end.
func recordsOf(m *dns.Msg) []string {
	var records []string
	chain := ""
	for _, rr := range m.Answer {
		data := strings.TrimPrefix(rr.String(), rr.Header().String())
		if rr.Header().Rrtype == dns.TypeCNAME {
			chain += data + " "
			continue
		}
		records = append(records, chain+strings.Trim(data, `"`))
	}
	return records
}

func hasType(rrs []dns.RR, rrtype uint16) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype })
}

func extendedError(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				return ede.ExtraText
			}
		}
	}
	return ""
}
