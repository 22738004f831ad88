package muslsafe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// clients are the kinds of clients that take answers of different sizes.
var clients = []struct {
	about   string
	w       *test.ResponseWriter
	edns    bool
	isSmall bool
}{
	{"UDP", &test.ResponseWriter{}, false, true},
	{"UDP with EDNS", &test.ResponseWriter{}, true, false},
	{"TCP", &test.ResponseWriter{TCP: true}, false, false},
	{"TCP with EDNS", &test.ResponseWriter{TCP: true}, true, false},
}

// truncations are answers of which some is left over UDP, and what comes over TCP.
var truncations = []struct {
	about    string
	upstream cutting
	client   test.ResponseWriter
	edns     bool
	report   bool
	want     int // records in the reply
	wantCut  bool
	askedTCP int64 // twice, if it fails or is silent; and for the other half too, if that is needed, as it is cut as well
	after    time.Duration
}{
	{about: "nothing over UDP", upstream: cutting{overTCP: exists}, want: 3, askedTCP: 1},
	{about: "some over UDP", upstream: cutting{overUDP: 1, overTCP: exists}, want: 3, askedTCP: 1},
	{about: "TCP fails, nothing over UDP", upstream: cutting{overTCP: fails}, wantCut: true, askedTCP: 2},
	{about: "TCP fails, some over UDP", upstream: cutting{overUDP: 1, overTCP: fails}, want: 1, wantCut: true, askedTCP: 2},
	{about: "TCP is silent, some over UDP", upstream: cutting{overUDP: 1}, want: 1, wantCut: true, askedTCP: 2, after: 1000 * ms},
	{about: "TCP is silent, nothing over UDP", wantCut: true, askedTCP: 4, after: silence},
	{about: "TCP is slow, some over UDP", upstream: cutting{overUDP: 1, overTCP: slowTCP}, want: 1, wantCut: true, askedTCP: 2, after: 1000 * ms},
	{about: "TCP is slow, nothing over UDP", upstream: cutting{overTCP: slowTCP}, want: 3, askedTCP: 4, after: 1500 * ms},
	{about: "TCP is slow, an alias over UDP", upstream: cutting{hasAlias: true, overTCP: slowTCP}, want: 3, askedTCP: 4, after: 1500 * ms},
	{about: "TCP is slow, an alias and some over UDP", upstream: cutting{overUDP: 1, hasAlias: true, overTCP: slowTCP}, want: 2, wantCut: true, askedTCP: 2, after: 1000 * ms},
	{about: "client with EDNS", upstream: cutting{overUDP: 1, overTCP: exists}, edns: true, want: 1, wantCut: true},
	{about: "client over TCP", upstream: cutting{overUDP: 1, overTCP: exists}, client: test.ResponseWriter{TCP: true}, want: 3, askedTCP: 1},
	{about: "report", upstream: cutting{overUDP: 1, overTCP: exists}, report: true, want: 1, wantCut: true},
}

var slowTCP = step{outcome: data, delay: 1500 * ms}

// cutting is an upstream that has three addresses for every name, and cuts its answers over UDP.
type cutting struct {
	overUDP  int  // addresses that are left over UDP
	hasAlias bool // before those addresses
	overTCP  step
}

func (u cutting) Name() string { return "cutting" }

func (u cutting) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 0, 0, 3)
	if isOverTCP(w) {
		return u.serveTCP(w, m)
	}
	m.Answer, m.Truncated = m.Answer[:u.overUDP], true
	if u.hasAlias {
		m.Answer = slices.Insert(m.Answer, 0, dns.RR(test.CNAME(plainName+" 60 IN CNAME lb.example.net.")))
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

func (u cutting) serveTCP(w dns.ResponseWriter, m *dns.Msg) (int, error) {
	time.Sleep(u.overTCP.delay)
	switch u.overTCP.outcome {
	case unknown:
		time.Sleep(silence)
		fallthrough
	case failure:
		return dns.RcodeServerFailure, errors.New("connection refused")
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// TestTruncatedAnswers checks that what comes cut is asked for over TCP on behalf of the same client, if the client may not
// be able to do that by itself.
func TestTruncatedAnswers(t *testing.T) {
	for _, tc := range truncations {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			var askedTCP atomic.Int64
			p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				state := request.Request{W: w, Req: r}
				if state.IP() != "10.240.0.1" {
					t.Errorf("asked on behalf of %s; want the client", state.IP())
				}
				if state.Proto() == "tcp" {
					askedTCP.Add(1)
				}
				return tc.upstream.ServeDNS(ctx, w, r)
			}), reporting(tc.report))
			began := time.Now()
			m := serve(t, p, &tc.client, queryWith(plainName, dns.TypeA, tc.edns))
			if m == nil || len(m.Answer) != tc.want || m.Truncated != tc.wantCut {
				t.Errorf("reply = %v; want %d records, TC %v", m, tc.want, tc.wantCut)
			}
			if after := time.Since(began); after != tc.after {
				t.Errorf("the answer took %v; want %v", after, tc.after)
			}
			if n := askedTCP.Load(); n != tc.askedTCP {
				t.Errorf("asked over TCP %d times; want %d", n, tc.askedTCP)
			}
		})
	}
}

// TestClientsOfBigAnswers checks that answers are made to fit for clients that need it, and for no others: answers with
// data, answers without data that pass, and answers that a fix changes.
func TestClientsOfBigAnswers(t *testing.T) {
	chain := func(r *dns.Msg, rcode int) *dns.Msg {
		m := answer(r, nxdomain)
		m.Rcode = rcode
		m.Answer = bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 20, 60, 0).Answer
		return m
	}
	tests := []struct {
		about string
		name  string
		own   func(r *dns.Msg) *dns.Msg // about AAAA
		a     outcome
		want  outcome
		all   int // records in the reply to clients that can take them
	}{
		{"data", plainName, func(r *dns.Msg) *dns.Msg { return bigAnswer(r.Question[0].Name, dns.TypeAAAA, 0, 0, 40) }, data, data, 40},
		{"NODATA that passes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeSuccess) }, data, nodata, 20},
		{"NXDOMAIN that passes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeNameError) }, nxdomain, nxdomain, 20},
		{"NXDOMAIN that pair changes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeNameError) }, data, nodata, 20},
		{"NODATA that search changes", clusterName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeSuccess) }, nodata, nxdomain, 0},
	}
	for _, tc := range tests {
		for _, c := range clients {
			t.Run(tc.about+" over "+c.about, func(t *testing.T) {
				p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
					if r.Question[0].Qtype == dns.TypeA {
						return answer(r, tc.a)
					}
					return tc.own(r)
				}))
				r := newQuery(tc.name, dns.TypeAAAA)
				if c.edns {
					r.SetEdns0(4096, false)
				}
				m := serve(t, p, c.w, r)
				if verdict.OutcomeOf(m, dns.TypeAAAA) != tc.want {
					t.Fatalf("reply = %v; want %s", m, tc.want)
				}
				switch {
				case c.isSmall:
					checkSmall(t, m, tc.want)
				case len(m.Answer) != tc.all || m.Truncated:
					t.Errorf("%d records, TC %v; want all %d", len(m.Answer), m.Truncated, tc.all)
				}
			})
		}
	}
}

// checkSmall checks that a reply fits a small packet, and that a denial is not cut.
func checkSmall(t *testing.T, m *dns.Msg, o outcome) {
	t.Helper()
	m.Compress = true
	if m.Len() > reply.SmallSize || o != data && (m.Truncated || !slices.ContainsFunc(m.Ns, isType(dns.TypeSOA))) {
		t.Errorf("%d octets, TC %v, authority %v; want at most %d with an SOA", m.Len(), m.Truncated, m.Ns, reply.SmallSize)
	}
}

// TestBigAnswersRotate checks that every address of a big answer can be had: answers begin with different ones.
func TestBigAnswersRotate(t *testing.T) {
	big := writes(func(r *dns.Msg, _ bool) *dns.Msg {
		return bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 0, 0, 60)
	})
	for _, tc := range []struct {
		about string
		p     *Muslsafe
		name  string
	}{
		{"own half", testPlugin(big), plainName},
		{"complete", completing(bigWinner(60, false, data)), firstName},
	} {
		first := map[string]bool{}
		for range 50 {
			m := serve(t, tc.p, &test.ResponseWriter{}, newQuery(tc.name, dns.TypeA))
			first[firstAddress(m)] = true
		}
		if len(first) < 2 {
			t.Errorf("%s: all of 50 answers begin with %v", tc.about, first)
		}
	}
}

// TestCutSiblingProvesNothing has an upstream that cuts the other half down to nothing over UDP. Only what comes over TCP
// tells whether there is an address.
func TestCutSiblingProvesNothing(t *testing.T) {
	tests := []struct {
		about   string
		name    string
		qtype   uint16
		own     outcome // of the client's half
		overTCP outcome // of the other half
		want    outcome
	}{
		{"A fails, AAAA is there", plainName, dns.TypeA, failure, data, nodata},
		{"A fails, AAAA cannot be had", plainName, dns.TypeA, failure, failure, failure},
		{"A fails, AAAA has nothing", plainName, dns.TypeA, failure, nodata, failure},
		{"A is denied, AAAA is there", plainName, dns.TypeA, nxdomain, data, nodata},
		{"A is denied, AAAA cannot be had", plainName, dns.TypeA, nxdomain, failure, nxdomain},
		{"AAAA is denied, A is there", plainName, dns.TypeAAAA, nxdomain, data, nodata},
		{"AAAA is denied, A cannot be had", plainName, dns.TypeAAAA, nxdomain, failure, nodata}, // briefly
		{"AAAA is denied, and so is A", plainName, dns.TypeAAAA, nxdomain, nxdomain, nxdomain},
		{"a step of the search, AAAA cannot be had", nodeName, dns.TypeA, nxdomain, failure, nxdomain},
		{"a step of the search without A, AAAA is there", nodeName, dns.TypeA, nodata, data, nodata},
	}
	for _, tc := range tests {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				switch {
				case !strings.EqualFold(r.Question[0].Name, tc.name):
					return give(w, r, nxdomain)
				case r.Question[0].Qtype == tc.qtype:
					return give(w, r, tc.own)
				case isOverTCP(w):
					return give(w, r, tc.overTCP)
				}
				return dns.RcodeSuccess, w.WriteMsg(cutToNothing(r))
			}))
			if got := lookUp(t, p, tc.name)[halfOf(tc.qtype)]; got.outcome != tc.want {
				t.Errorf("%v; want %s", got.m, tc.want)
			}
		})
	}
}

// TestCutAnswerAheadProvesNothing has a search domain that fails, and answers about the names ahead that are cut down to
// nothing, over TCP too. Nobody knows whether the search would find an address there.
func TestCutAnswerAheadProvesNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Name == nodeName {
				return give(w, r, failure)
			}
			return dns.RcodeSuccess, w.WriteMsg(cutToNothing(r))
		}))
		if m, _, _ := exchange(t, p, newQuery(nodeName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != failure {
			t.Errorf("%v; want the failure", m)
		}
	})
}
