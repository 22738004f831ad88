package muslsafe

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

func TestOutcome(t *testing.T) {
	reply := func(rcode int, rrs ...dns.RR) *dns.Msg {
		return &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: rcode}, Answer: rrs}
	}
	a := test.A("lb.example.net. 60 IN A 192.0.2.1")
	cname := test.CNAME("www.example.com. 60 IN CNAME lb.example.net.")
	truncated := reply(dns.RcodeSuccess)
	truncated.Truncated = true

	tests := []struct {
		about string
		m     *dns.Msg
		want  outcome
	}{
		{"nothing written", nil, failure},
		{"address", reply(dns.RcodeSuccess, a), data},
		{"chain with address", reply(dns.RcodeSuccess, cname, a), data},
		{"chain without address", reply(dns.RcodeSuccess, cname), nodata},
		{"other family", reply(dns.RcodeSuccess, test.AAAA("www.example.com. 60 IN AAAA 2001:db8::1")), nodata},
		{"empty", reply(dns.RcodeSuccess), nodata},
		{"truncated to nothing", truncated, data},
		{"no such name", reply(dns.RcodeNameError), nxdomain},
		{"dangling chain", reply(dns.RcodeNameError, cname), nxdomain},
		{"address in a denial", reply(dns.RcodeNameError, a), nxdomain},
		{"SERVFAIL", reply(dns.RcodeServerFailure), failure},
		{"REFUSED", reply(dns.RcodeRefused), failure},
		{"NOTIMP", reply(dns.RcodeNotImplemented), failure},
		{"FORMERR", reply(dns.RcodeFormatError), failure},
		{"extended return code", reply(dns.RcodeBadVers), failure},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if got := outcomeOf(tc.m, dns.TypeA); got != tc.want {
				t.Errorf("outcomeOf = %s; want %s", got, tc.want)
			}
		})
	}
}

// TestJudge has the decision table, a row for each pair of outcomes. The columns are what becomes of the own half of
// a plain name, of a name in the cluster, and of a name below a search domain of the nodes with nothing ahead and with
// an address ahead.
func TestJudge(t *testing.T) {
	const (
		p    = "pass"
		nod  = "NODATA pair"
		nodb = "NODATA pair, briefly"
		nodf = "NODATA failure, briefly"
		nxs  = "NXDOMAIN search"
		nxsb = "NXDOMAIN search, briefly"
		nxf  = "NXDOMAIN failure, briefly"
	)
	table := []struct {
		own, sibling                  outcome
		plain, cluster, node, hasNext string
	}{
		{data, unknown, p, p, p, p},
		{nodata, data, p, p, p, p},
		{nodata, nodata, p, nxs, nxs, nxs},
		{nodata, nxdomain, p, nxs, nxs, nxs},
		{nodata, failure, p, p, p, nxsb},
		{nxdomain, data, nod, nod, nod, nod},
		{nxdomain, nodata, nod, p, p, p},
		{nxdomain, nxdomain, p, p, p, p},
		{nxdomain, failure, nodb, nodb, nodb, p}, // A: pass, see below
		{failure, data, nodf, nodf, nodf, nodf},
		{failure, nodata, p, p, p, nxsb},
		{failure, nxdomain, nxf, nxf, nxf, nxf}, // A: see below
		{failure, failure, p, p, p, nxsb},
	}
	// An NXDOMAIN for AAAA proves less than one for A.
	exceptions := map[string]string{
		"A nxdomain failure plain":    p,
		"A nxdomain failure cluster":  p,
		"A nxdomain failure node":     p,
		"A failure nxdomain plain":    p,
		"A failure nxdomain cluster":  p,
		"A failure nxdomain node":     p,
		"A failure nxdomain has next": nxsb,
	}
	for _, row := range table {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			for _, col := range []struct {
				about string
				scope scope
				ahead outcome
				want  string
			}{
				{"plain", plain, unknown, row.plain},
				{"cluster", cluster, unknown, row.cluster},
				{"node", node, nodata, row.node},
				{"has next", node, data, row.hasNext},
			} {
				about := fmt.Sprintf("%s %s %s %s", dns.TypeToString[qtype], row.own, row.sibling, col.about)
				want := col.want
				if exception, ok := exceptions[about]; ok {
					want = exception
				}
				t.Run(about, func(t *testing.T) {
					enabled := byDefault
					e := evidence{qtype: qtype, scope: col.scope, own: row.own, sibling: row.sibling, ahead: col.ahead, enabled: &enabled}
					if got := ruled(judge(e)); got != want {
						t.Errorf("judge = %s; want %s", got, want)
					}
					checkDisabled(t, e, want)
				})
			}
		}
	}
}

// ruled writes a ruling as the table does.
func ruled(r ruling) string {
	brief := ""
	if r.brief {
		brief = ", briefly"
	}
	switch r.verdict {
	case pass:
		return "pass"
	case toNodata:
		return "NODATA " + r.fix.String() + brief
	case toNxdomain:
		return "NXDOMAIN " + r.fix.String() + brief
	}
	return fmt.Sprintf("undecided %+v", r.needs)
}

// checkDisabled checks that a fix which is off is never the reason, and that nothing but that fix goes missing.
func checkDisabled(t *testing.T, e evidence, want string) {
	t.Helper()
	for f := fixPair; f <= fixFailure; f++ {
		enabled := byDefault
		enabled[f] = false
		e.enabled = &enabled
		r := judge(e)
		if r.fix == f || r.verdict == undecided {
			t.Errorf("without %s: judge = %s", f, ruled(r))
		}
		isMore := f == fixSearch && e.own == nxdomain && e.sibling == failure // nobody looks ahead then
		if got := ruled(r); r.fix != noFix && got != want && f != fixFailure && !isMore {
			t.Errorf("without %s: judge = %s; want %s or pass", f, got, want)
		}
		if r.verdict == toNxdomain && e.sibling == data {
			t.Errorf("without %s: judge = %s, and hides the other half", f, ruled(r))
		}
	}
}

// TestJudgeAsks has what is needed before a verdict falls, early and late.
func TestJudgeAsks(t *testing.T) {
	sibling, ahead, both := needs{sibling: true}, needs{ahead: true}, needs{sibling: true, ahead: true}
	tests := []struct {
		scope               scope
		own, sibling, ahead outcome
		late                bool
		want                needs
	}{
		{plain, unknown, unknown, unknown, false, needs{}},
		{plain, unknown, unknown, unknown, true, sibling},
		{node, unknown, unknown, unknown, false, needs{}},
		{node, unknown, unknown, unknown, true, both},
		{cluster, unknown, unknown, unknown, true, sibling},
		{plain, nxdomain, unknown, unknown, false, sibling},
		{plain, failure, unknown, unknown, false, sibling},
		{cluster, nodata, unknown, unknown, false, sibling},
		{node, nodata, unknown, unknown, false, sibling},
		{node, nodata, unknown, unknown, true, both},
		{node, nodata, failure, unknown, false, ahead},
		{node, failure, unknown, unknown, true, both},
		{node, failure, failure, unknown, false, ahead},
		{node, failure, nodata, unknown, false, ahead},
		{node, nxdomain, unknown, unknown, true, both},
		{node, nxdomain, failure, unknown, false, ahead},
	}
	for _, tc := range tests {
		enabled := byDefault
		r := judge(evidence{qtype: dns.TypeAAAA, scope: tc.scope, own: tc.own, sibling: tc.sibling, ahead: tc.ahead, late: tc.late, enabled: &enabled})
		if r.verdict != undecided || r.needs != tc.want {
			t.Errorf("judge of %+v = %s; want undecided %+v", tc, ruled(r), tc.want)
		}
	}
}

// TestJudgeRest has what goes out beside a half that keeps its client waiting, if some fixes are on and the others are not.
func TestJudgeRest(t *testing.T) {
	sibling, both := needs{sibling: true}, needs{sibling: true, ahead: true}
	tests := []struct {
		on    []fix
		scope scope
		want  needs
	}{
		{[]fix{fixFailure}, plain, sibling},
		{[]fix{fixPair}, plain, sibling},
		{[]fix{fixSearch}, plain, needs{}},
		{[]fix{fixSearch}, cluster, sibling},
		{[]fix{fixSearch}, node, both},
		{[]fix{fixFailure, fixPair}, node, sibling},
		{[]fix{fixFit, fixLeak}, node, needs{}},
		{[]fix{fixWildcard}, node, needs{}},
		{nil, node, needs{}},
	}
	for _, tc := range tests {
		var enabled [numFixes]bool
		for _, f := range tc.on {
			enabled[f] = true
		}
		for _, late := range []bool{false, true} {
			want := tc.want
			if !late {
				want = needs{}
			}
			if r := judge(evidence{qtype: dns.TypeA, scope: tc.scope, late: late, enabled: &enabled}); r.verdict != undecided || r.needs != want {
				t.Errorf("with %v, scope %d, late %v: %s; want undecided %+v", tc.on, tc.scope, late, ruled(r), want)
			}
		}
	}
}

// TestJudgeWildcardAlone has wildcard on and search off.
func TestJudgeWildcardAlone(t *testing.T) {
	tests := []struct {
		scope                       scope
		own, sibling, ahead, public outcome
		want                        string
	}{
		{plain, nodata, unknown, unknown, unknown, "pass"},
		{cluster, nodata, unknown, unknown, unknown, "pass"},
		{cluster, nodata, nodata, unknown, unknown, "pass"},
		{node, nodata, unknown, unknown, unknown, "undecided {sibling:true ahead:false public:false}"},
		{node, nodata, data, unknown, unknown, "undecided {sibling:true ahead:false public:true}"},
		{node, nodata, data, unknown, data, "NXDOMAIN wildcard"},
		{node, nodata, data, unknown, nodata, "pass"},
		{node, nodata, nodata, unknown, data, "pass"},
		{node, nodata, nxdomain, unknown, data, "pass"},
		{node, nodata, failure, data, data, "pass"},
		{node, data, unknown, unknown, unknown, "undecided {sibling:true ahead:false public:true}"},
		{node, data, unknown, unknown, data, "NXDOMAIN wildcard"},
	}
	for _, tc := range tests {
		enabled := byDefault
		enabled[fixWildcard], enabled[fixSearch] = true, false
		e := evidence{qtype: dns.TypeA, scope: tc.scope, own: tc.own, sibling: tc.sibling, ahead: tc.ahead, public: tc.public, late: true, enabled: &enabled}
		if got := ruled(judge(e)); got != tc.want {
			t.Errorf("judge of %+v = %s; want %s", tc, got, tc.want)
		}
	}
}

// TestJudgeWildcard has the rows of the wildcard fix, which is off by default.
func TestJudgeWildcard(t *testing.T) {
	const wild = "NXDOMAIN wildcard"
	tests := []struct {
		scope                scope
		own, sibling, public outcome
		want                 string
	}{
		{plain, data, unknown, unknown, "pass"},
		{cluster, data, unknown, unknown, "pass"},
		{node, data, data, data, wild},
		{node, data, nodata, data, wild},
		{node, data, nodata, nodata, "pass"},
		{node, nodata, data, data, wild},
		{node, nodata, data, nodata, "pass"},
		{node, nodata, nodata, unknown, "NXDOMAIN search"},
	}
	for _, tc := range tests {
		enabled := byDefault
		enabled[fixWildcard] = true
		e := evidence{qtype: dns.TypeA, scope: tc.scope, own: tc.own, sibling: tc.sibling, public: tc.public, enabled: &enabled}
		if got := ruled(judge(e)); got != tc.want {
			t.Errorf("judge of %+v = %s; want %s", tc, got, tc.want)
		}
	}
}

// TestPairsAgree checks the promise of the table, for every pair of outcomes: whatever both halves say, what the
// client gets is a pair that every libc understands, or a failure that nothing can be done about.
func TestPairsAgree(t *testing.T) {
	safe := [][2]outcome{{data, data}, {data, nodata}, {nodata, data}, {nxdomain, nxdomain}}
	outcomes := []outcome{failure, data, nodata, nxdomain}
	for _, s := range []scope{plain, cluster, node} {
		for _, ahead := range []outcome{nodata, data} {
			for _, a := range outcomes {
				for _, aaaa := range outcomes {
					got := [2]outcome{final(dns.TypeA, s, a, aaaa, ahead), final(dns.TypeAAAA, s, aaaa, a, ahead)}
					hasData := a == data || aaaa == data
					fails := a == failure || aaaa == failure
					switch {
					case slices.Contains(safe, got) && slices.Contains(got[:], data) == hasData:
					case s == plain && !fails && got == [2]outcome{nodata, nodata}:
					case fails && !hasData && slices.Contains(got[:], failure) && (s != node || ahead == nodata):
					default:
						t.Errorf("scope %d, ahead %s: (%s, %s) becomes %v", s, ahead, a, aaaa, got)
					}
				}
			}
		}
	}
}

// final is what a client gets for one half.
func final(qtype uint16, s scope, own, sibling, ahead outcome) outcome {
	enabled := byDefault
	switch judge(evidence{qtype: qtype, scope: s, own: own, sibling: sibling, ahead: ahead, enabled: &enabled}).verdict {
	case toNodata:
		return nodata
	case toNxdomain:
		return nxdomain
	}
	return own
}
