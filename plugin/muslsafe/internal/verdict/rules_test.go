package verdict

import (
	"fmt"
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

const (
	plainName   = names.Plain
	clusterName = names.ClusterStep
	nodeName    = names.NodeStep
)

// TestTable has the decision table, a row for each pair of outcomes. The columns are what becomes of the own half of a
// name, by what is known of the domain that it is in.
func TestTable(t *testing.T) {
	const (
		p    = "pass"
		nod  = "NODATA pair"
		nodb = "NODATA pair, briefly"
		nodf = "NODATA failure, briefly"
		nx   = "NXDOMAIN search"
		nxb  = "NXDOMAIN search, briefly"
		nxf  = "NXDOMAIN failure, briefly"
	)
	all := func(verdict string) []string { return slices.Repeat([]string{verdict}, len(columns)) }
	table := []struct {
		halves       string // A or AAAA, if it matters
		own, sibling Outcome
		want         []string // in the order of columns
	}{
		//                            plain   cluster           node
		//                                    -     same  ahead -     ahead same  both  refused
		{"", Data, Unknown, all(p)},
		{"", Nodata, Data, all(p)},
		{"", Nodata, Nodata, []string{p, p, nx, nx, p, nx, nx, nx, nx}},
		{"", Nodata, Nxdomain, []string{p, p, nx, nx, p, nx, nx, nx, nx}},
		{"", Nodata, Failed, []string{p, p, p, p, p, p, p, nxb, p}},
		{"", Nxdomain, Data, all(nod)},
		{"", Nxdomain, Nodata, all(p)},
		{"", Nxdomain, Nxdomain, all(p)},
		{"AAAA", Nxdomain, Failed, []string{nodb, nodb, nodb, nodb, nodb, nodb, nodb, p, nodb}}, // it proves less than one for A
		{"A", Nxdomain, Failed, all(p)},
		{"", Failed, Data, all(nodf)},
		{"", Failed, Nodata, []string{p, p, p, p, p, p, p, nxb, p}},
		{"AAAA", Failed, Nxdomain, all(nxf)},
		{"A", Failed, Nxdomain, []string{p, p, p, p, p, p, p, nxb, p}},
		{"", Failed, Failed, []string{p, p, p, p, p, p, p, nxb, nxb}},
	}
	for _, row := range table {
		for _, half := range []string{"A", "AAAA"} {
			if row.halves != "" && row.halves != half {
				continue
			}
			for i, col := range columns {
				t.Run(fmt.Sprintf("%s %s %s %s", half, row.own, row.sibling, col.about), func(t *testing.T) {
					e := col.evidence
					e.IsAAAA, e.Own, e.Sibling, e.Claimed = half == "AAAA", row.own, row.sibling, Yes
					if got := NewRules(ByDefault()).Judge(e).String(); got != row.want[i] {
						t.Errorf("judge = %s; want %s", got, row.want[i])
					}
					checkDisabled(t, e, row.want[i])
				})
			}
		}
	}
}

// columns are those of TestTable. A stranger gets the same, or it does not, and then the domain is alive.
var columns = []struct {
	about    string
	evidence Evidence
}{
	{"plain", Evidence{Kind: plainName, Stranger: No, Ahead: No}},
	{"cluster", Evidence{Kind: clusterName, Stranger: No, Ahead: No}},
	{"cluster, a stranger gets the same", Evidence{Kind: clusterName, Stranger: Yes, Ahead: No}},
	{"cluster, an address ahead", Evidence{Kind: clusterName, Stranger: No, Ahead: Yes}},
	{"node", Evidence{Kind: nodeName, Stranger: No, Ahead: No}},
	{"node, an address ahead", Evidence{Kind: nodeName, Stranger: No, Ahead: Yes}},
	{"node, a stranger gets the same", Evidence{Kind: nodeName, Stranger: Yes, Ahead: No}},
	{"node, a stranger gets the same, an address ahead", Evidence{Kind: nodeName, Stranger: Yes, Ahead: Yes}},
	{"node, a stranger gets the same, refused", Evidence{Kind: nodeName, Stranger: Yes, Ahead: No, Refused: Yes}},
}

// checkDisabled checks that a fix which is off is never the reason, and that nothing but that fix goes missing.
func checkDisabled(t *testing.T, e Evidence, want string) {
	t.Helper()
	for f := Pair; f <= Failure; f++ {
		on := ByDefault()
		on[f] = false
		r := NewRules(on).Judge(e)
		if r.Fix == f || r.Verdict == Undecided {
			t.Errorf("without %s: judge = %s", f, r)
		}
		isMore := f == Search && e.Own == Nxdomain && e.Sibling == Failed // nobody looks ahead then
		if r.Fix != None && r.String() != want && f != Failure && !isMore {
			t.Errorf("without %s: judge = %s; want %s or pass", f, r, want)
		}
		if r.Verdict == ToNxdomain && e.Sibling == Data {
			t.Errorf("without %s: judge = %s, and hides the other half", f, r)
		}
	}
}

// TestClaim has a half that fails and must not be denied, as the other one has been.
func TestClaim(t *testing.T) {
	e := Evidence{Own: Failed, Sibling: Data}
	rules := NewRules(ByDefault())
	if got := rules.Judge(e); got.Verdict != Undecided || got.Needs != (Needs{Claimed: true}) {
		t.Errorf("judge = %s; want the claim to be made", got)
	}
	e.Claimed = No
	if got := rules.Judge(e).String(); got != "pass" {
		t.Errorf("judge = %s; want the failure to pass", got)
	}
}

// TestNeeds has what is asked before a verdict falls, early and late.
func TestNeeds(t *testing.T) {
	none, sibling, stranger, ahead := Needs{}, Needs{Sibling: true}, Needs{Stranger: true}, Needs{Ahead: true}
	domain := stranger.and(ahead)
	all := domain.and(sibling)
	inCluster := stranger.and(sibling) // and not ahead, as long as the service may have an address
	tests := []struct {
		kind         names.Kind
		own, sibling Outcome
		stranger     Answer
		early, late  Needs
	}{
		{plainName, Unknown, Unknown, Open, none, sibling},
		{clusterName, Unknown, Unknown, Open, none, inCluster},
		{nodeName, Unknown, Unknown, Open, none, all},
		{plainName, Nxdomain, Unknown, Open, sibling, sibling},
		{plainName, Failed, Unknown, Open, sibling, sibling},
		{clusterName, Nxdomain, Unknown, Open, sibling, sibling},
		{clusterName, Failed, Unknown, Open, sibling, sibling},
		{clusterName, Nodata, Unknown, Open, sibling, inCluster},
		{clusterName, Nodata, Nodata, Open, stranger, domain},
		{clusterName, Nodata, Nodata, No, ahead, ahead},
		{nodeName, Nodata, Unknown, Open, sibling, all},
		{nodeName, Nodata, Nodata, Open, stranger, domain},
		{nodeName, Nodata, Nxdomain, No, ahead, ahead},
		{nodeName, Nodata, Failed, Open, stranger, domain},
		{nodeName, Nodata, Failed, Yes, ahead, ahead},
		{nodeName, Failed, Unknown, Open, sibling, all},
		{nodeName, Failed, Failed, Open, stranger, domain},
		{nodeName, Failed, Failed, Yes, ahead, ahead},
		{nodeName, Failed, Nodata, Open, stranger, domain},
		{nodeName, Nxdomain, Unknown, Open, sibling, all},
		{nodeName, Nxdomain, Failed, Open, stranger, domain},
		{nodeName, Nxdomain, Failed, Yes, ahead, ahead},
	}
	rules := NewRules(ByDefault())
	for _, tc := range tests {
		e := Evidence{IsAAAA: true, Kind: tc.kind, Own: tc.own, Sibling: tc.sibling, Stranger: tc.stranger}
		if r := rules.Judge(e); r.Verdict != Undecided || r.Needs != tc.early {
			t.Errorf("judge of %+v = %s; want undecided %+v", e, r, tc.early)
		}
		e.IsLate = true
		if r := rules.Judge(e); r.Verdict != Undecided || r.Needs != tc.late {
			t.Errorf("judge of %+v = %s; want undecided %+v", e, r, tc.late)
		}
	}
}

// TestAliveDomain has a name that fails alone: nobody looks ahead, as no address there could change the verdict.
func TestAliveDomain(t *testing.T) {
	for _, isLate := range []bool{false, true} {
		e := Evidence{Kind: nodeName, Own: Failed, Sibling: Failed, Stranger: No, IsLate: isLate}
		if r := NewRules(ByDefault()).Judge(e); r.Verdict != Pass {
			t.Errorf("judge of %+v = %s; want pass", e, r)
		}
	}
}

// TestNeedsOfFixes has what goes out beside a half that keeps its client waiting, if some fixes are on and the others are
// not.
func TestNeedsOfFixes(t *testing.T) {
	sibling, inCluster, all := Needs{Sibling: true}, Needs{Sibling: true, Stranger: true}, Needs{Sibling: true, Stranger: true, Ahead: true}
	tests := []struct {
		on   []Fix
		kind names.Kind
		want Needs
	}{
		{[]Fix{Failure}, plainName, sibling},
		{[]Fix{Pair}, plainName, sibling},
		{[]Fix{Search}, plainName, Needs{}},
		{[]Fix{Search}, clusterName, inCluster},
		{[]Fix{Search}, nodeName, all},
		{[]Fix{Failure, Pair}, nodeName, sibling},
		{[]Fix{Fit, Leak}, nodeName, Needs{}},
		{[]Fix{IPv4Only}, nodeName, Needs{}},
		{nil, nodeName, Needs{}},
	}
	for _, tc := range tests {
		var on Fixes
		for _, f := range tc.on {
			on[f] = true
		}
		for _, isLate := range []bool{false, true} {
			want := tc.want
			if !isLate {
				want = Needs{}
			}
			if r := NewRules(on).Judge(Evidence{Kind: tc.kind, IsLate: isLate}); r.Verdict != Undecided || r.Needs != want {
				t.Errorf("with %v, %s, late %v: %s; want undecided %+v", tc.on, tc.kind, isLate, r, want)
			}
		}
	}
}
