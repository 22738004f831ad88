package verdict

// A Verdict is what to do with an answer.
type Verdict uint8

// The verdicts.
const (
	Undecided  Verdict = iota // something must be asked or waited for
	Pass                      // the answer goes out unchanged
	ToNodata                  // the client is told that the name exists and has no such record
	ToNxdomain                // the client is told that the name does not exist
)

// A Rule is one row of the decision table: what must be known of a pair, and what follows for the own half.
type Rule struct {
	Fix      Fix      // the rule is skipped if this is off
	Own      outcomes // of the half that is judged
	Sibling  outcomes // of the other half
	Kinds    kinds    // of the name
	OnlyAAAA bool     // the half that is judged is AAAA
	Stranger bool     // a random name in its place gets the same
	Ahead    bool     // there is an address further down the search list
	Refused  bool     // both halves were refused
	Hijacked bool     // a wildcard has taken the name over
	Claimed  bool     // the client asks for both halves, and the other one has not been denied to it
	Verdict  Verdict
	IsBrief  bool // the verdict is due to a failure, so the answer must not be kept for long
}

// table has the rules in order. The first one that holds decides. If none does, the answer passes.
//
// musl 1.2.1 and later drops the addresses of one half if the other half is NXDOMAIN, ends the search if both are NODATA, and
// fails after 5 seconds if one of them fails (lookup_name.c, name_from_dns). So both halves must agree on whether the name
// exists, a step of a search must not exist without an address, and a failing half must not hide the addresses of the other.
//
// An NXDOMAIN for A covers the whole name (RFC 8020). An NXDOMAIN for AAAA does not, because too many servers send it for names
// that exist (RFC 4074, section 4.2).
//
// If a random name in the same place gets the same answer, the answer is about the domain. Otherwise it is about the name, and
// the client must not reach another host by a later step of the search.
var table = []Rule{
	// The addresses are a wildcard's, and the search leads to the right ones.
	{Fix: Wildcard, Own: oneOf(Data), Kinds: ofNodes, Hijacked: true, Verdict: ToNxdomain},
	{Fix: Wildcard, Own: oneOf(Nodata), Sibling: oneOf(Data), Kinds: ofNodes, Hijacked: true, Verdict: ToNxdomain},

	// A step without an address would end the search. If the name may exist with other records, it is denied only if the search
	// finds an address: a cache in front of us may apply the NXDOMAIN to all types.
	{Fix: Search, Own: oneOf(Nodata), Sibling: oneOf(Nodata, Nxdomain), Kinds: expanded, Stranger: true, Verdict: ToNxdomain},
	{Fix: Search, Own: oneOf(Nodata), Sibling: oneOf(Nodata, Nxdomain), Kinds: expanded, Ahead: true, Verdict: ToNxdomain},

	// The other half proves that the name exists.
	{Fix: Pair, Own: oneOf(Nxdomain), Sibling: oneOf(Data), Verdict: ToNodata},

	// A fails, so the name may exist although AAAA is NXDOMAIN. The pair must read as a temporary failure, or as what a slow A
	// finally brings. But a search that leads past a dead domain to an address goes on.
	{Fix: Search, Own: oneOf(Nxdomain), Sibling: oneOf(Failed), Kinds: ofNodes, OnlyAAAA: true, Stranger: true, Ahead: true, Verdict: Pass},
	{Fix: Pair, Own: oneOf(Nxdomain), Sibling: oneOf(Failed), OnlyAAAA: true, Verdict: ToNodata, IsBrief: true},

	// Only one half fails. A client that asks for that half alone gets the failure.
	{Fix: Failure, Own: oneOf(Failed), Sibling: oneOf(Data), Claimed: true, Verdict: ToNodata, IsBrief: true},
	{Fix: Failure, Own: oneOf(Failed), Sibling: oneOf(Nxdomain), OnlyAAAA: true, Verdict: ToNxdomain, IsBrief: true},

	// A search domain of the nodes is dead. Below a cluster domain, no search goes on after a failure: while a service cannot be
	// looked up, its clients must not reach another host of the same name. No search goes on if nothing is ahead either: a
	// client asks again after a failure, and not after NXDOMAIN.
	{Fix: Search, Own: oneOf(Nodata), Sibling: oneOf(Failed), Kinds: ofNodes, Stranger: true, Ahead: true, Verdict: ToNxdomain, IsBrief: true},
	{Fix: Search, Own: oneOf(Failed), Sibling: oneOf(Nodata, Nxdomain, Failed), Kinds: ofNodes, Stranger: true, Ahead: true, Verdict: ToNxdomain, IsBrief: true},
	{Fix: Search, Own: oneOf(Failed), Sibling: oneOf(Failed), Kinds: ofNodes, Refused: true, Stranger: true, Verdict: ToNxdomain, IsBrief: true},

	// AAAA follows from A.
	{Fix: IPv4Only, Own: oneOf(Nodata), OnlyAAAA: true, Verdict: ToNodata},
	{Fix: IPv4Only, Own: oneOf(Nxdomain), OnlyAAAA: true, Verdict: ToNxdomain},
}

// Rules are the rules of the fixes that are on.
type Rules struct {
	byOwn    [NumOutcomes][]Rule // in order, by what is known of the own half
	ipv4Only bool
}

// NewRules returns the rules for a set of fixes.
func NewRules(on Fixes) *Rules {
	rs := &Rules{ipv4Only: on[IPv4Only]}
	for _, r := range table {
		for own := range NumOutcomes {
			if on[r.Fix] && r.Own.admits(own) {
				rs.byOwn[own] = append(rs.byOwn[own], r)
			}
		}
	}
	return rs
}

// A Ruling is a verdict with the fix behind it, or what is missing for one.
type Ruling struct {
	Verdict Verdict
	Fix     Fix
	IsBrief bool
	Needs   Needs
}

func (r *Rule) ruling() Ruling {
	if r.Verdict == Pass {
		return Ruling{Verdict: Pass}
	}
	return Ruling{Verdict: r.Verdict, Fix: r.Fix, IsBrief: r.IsBrief}
}

// MayPass reports whether an answer passes, given what is remembered of the other half. To pass an answer, nothing has to be
// asked on behalf of this client.
func (rs *Rules) MayPass(e Evidence) bool { return rs.Judge(e).Verdict == Pass }

// Judge decides on one half of a pair. With ipv4only, AAAA follows from A, whatever it is by itself, and is never asked for.
func (rs *Rules) Judge(e Evidence) Ruling {
	if rs.ipv4Only {
		e = e.withoutIPv6()
	}
	ruling := rs.judge(&e)
	if rs.ipv4Only {
		ruling.Needs.Sibling = false
	}
	return ruling
}

// judge goes from the last rule to the first, so that the first one that holds decides. A rule that may hold leaves the verdict
// open, unless the verdict is the same without it.
func (rs *Rules) judge(e *Evidence) Ruling {
	ruling := Ruling{Verdict: Pass}
	rules := rs.byOwn[e.Own]
	for i := len(rules) - 1; i >= 0; i-- {
		r := &rules[i]
		if r.excludes(e) {
			continue
		}
		missing := r.missing(e)
		switch {
		case e.Own != Unknown && missing.isNone():
			ruling = r.ruling()
		case ruling == r.ruling():
		case e.IsLate:
			ruling = Ruling{Needs: missing.and(ruling.Needs)}
		case e.Own == Unknown: // it may still come, and then need nothing
			ruling = Ruling{}
		default:
			ruling = Ruling{Needs: missing.first()}
		}
	}
	if e.Own == Unknown {
		ruling.Verdict = Undecided
	}
	return ruling
}
