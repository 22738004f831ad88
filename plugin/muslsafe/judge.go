package muslsafe

import "github.com/miekg/dns"

// outcome is what one lookup, of A or of AAAA, says about a name.
type outcome uint8

const (
	unknown  outcome = iota // not asked, or no answer yet
	failure                 // nothing: SERVFAIL, REFUSED, NOTIMP, FORMERR, an error, or silence for too long
	data                    // the name exists and has records of the asked type
	nodata                  // the name exists and has none
	nxdomain                // the name does not exist
)

var outcomeNames = [...]string{unknown: "unknown", failure: "failure", data: "data", nodata: "nodata", nxdomain: "nxdomain"}

func (o outcome) String() string { return outcomeNames[o] }

// outcomeOf reads the outcome of a lookup for qtype from its reply, which may be nil. Like musl, which takes each
// record of the type whatever its owner, it does not follow CNAME records. What does not fit a truncated reply
// is data.
func outcomeOf(m *dns.Msg, qtype uint16) outcome {
	switch {
	case m == nil:
		return failure
	case m.Rcode == dns.RcodeNameError:
		return nxdomain
	case m.Rcode != dns.RcodeSuccess:
		return failure
	case m.Truncated:
		return data
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			return data
		}
	}
	return nodata
}

// verdict is what becomes of an answer.
type verdict uint8

const (
	undecided  verdict = iota // something must be asked or waited for
	pass                      // it goes out as it came
	toNodata                  // the answer says that the name exists and has no such record
	toNxdomain                // the answer says that the name does not exist
)

// evidence is all that a verdict on one half of a pair depends on.
type evidence struct {
	qtype   uint16  // of the half: A or AAAA
	scope   scope   // what kind of name it is
	own     outcome // of the half itself
	sibling outcome // of the other half
	ahead   outcome // data if the client would find an address further down its search list; else nodata
	public  outcome // wildcard: data if the answers are those of a wildcard and the name has a public twin; else nodata
	late    bool    // what is open should not be waited for alone
	enabled *[numFixes]bool
}

// needs is what must be asked before a verdict can fall.
type needs struct{ sibling, ahead, public bool }

// ruling is a verdict with the fix that it is due to.
type ruling struct {
	verdict verdict
	fix     fix
	brief   bool // a failure is behind it, so it must not be kept for long
	needs   needs
}

// judge decides on one half of a pair.
//
// musl 1.2.1 and later drops the addresses of one half if the other says NXDOMAIN, ends the search if both say
// NODATA, and fails after 5 seconds if one of them fails (lookup_name.c, name_from_dns). So both halves must agree
// on whether the name exists, a name that the client would search past must not exist without an address, and a
// failing half must not hide the addresses of the other. The rules come in the order of what is known of the own half.
func judge(e evidence) ruling {
	switch e.own {
	case unknown:
		return ruling{needs: e.rest()}
	case data:
		return e.judgeData()
	case nodata:
		return e.judgeNodata()
	case nxdomain:
		return e.judgeNxdomain()
	}
	return e.judgeFailure()
}

// rest is what goes out beside a half that keeps its client waiting.
func (e evidence) rest() needs {
	return needs{
		sibling: e.late && (e.enabled[fixFailure] || e.enabled[fixPair] || e.searches()),
		ahead:   e.late && e.looksAhead(),
	}
}

// searches reports whether the client would search past this name if it does not exist.
func (e evidence) searches() bool { return e.scope != plain && e.enabled[fixSearch] }

// looksAhead reports whether a failure may send the client on. Below a cluster domain it may not: a service that
// cannot be looked up for a moment must not become another host of the same name.
func (e evidence) looksAhead() bool { return e.scope == node && e.enabled[fixSearch] }

// judgeData passes an address, unless it is proven to be that of a wildcard.
func (e evidence) judgeData() ruling {
	if e.scope != node || !e.enabled[fixWildcard] {
		return ruling{verdict: pass}
	}
	return e.judgeWildcard()
}

func (e evidence) judgeWildcard() ruling {
	switch e.public {
	case unknown:
		return ruling{needs: needs{sibling: true, public: true}}
	case data:
		return ruling{verdict: toNxdomain, fix: fixWildcard}
	}
	return ruling{verdict: pass}
}

// judgeNodata has one half without an address. Below a search suffix that ends the search of musl:
//
//	sibling   expanded name
//	data      pass, as the other half has an address (or wildcard, if that is proven to be a wildcard's)
//	nodata    NXDOMAIN (search)
//	nxdomain  NXDOMAIN (search)
//	failure   pass in the cluster; elsewhere NXDOMAIN (search) if there is an address ahead, else pass
func (e evidence) judgeNodata() ruling {
	if !e.searches() && (e.scope != node || !e.enabled[fixWildcard]) {
		return ruling{verdict: pass}
	}
	switch e.sibling {
	case unknown:
		return ruling{needs: needs{sibling: true, ahead: e.late && e.looksAhead()}}
	case data:
		return e.judgeData()
	case failure:
		return e.judgeAhead()
	}
	if !e.searches() {
		return ruling{verdict: pass}
	}
	return ruling{verdict: toNxdomain, fix: fixSearch}
}

// judgeNxdomain has one half that denies the name:
//
//	sibling   plain name                        expanded name
//	data      NODATA (pair)                     NODATA (pair)
//	nodata    NODATA (pair)                     pass, and the other half becomes NXDOMAIN (search)
//	nxdomain  pass                              pass
//	failure   AAAA: NODATA, briefly (pair)      the same, but pass if the search goes on to an address ahead
//	          A: pass                           pass
//
// An NXDOMAIN for A speaks for the whole name (RFC 8020). One for AAAA does not, as too many servers give it without
// looking (RFC 4074, section 4.2); so while A fails, the name may exist, and the pair must read as the temporary
// failure that it is, or as what a slow A brings in the end.
func (e evidence) judgeNxdomain() ruling {
	if !e.enabled[fixPair] {
		return ruling{verdict: pass}
	}
	switch e.sibling {
	case unknown:
		return ruling{needs: needs{sibling: true, ahead: e.late && e.looksAhead()}}
	case data:
		return ruling{verdict: toNodata, fix: fixPair}
	case nodata:
		if e.scope == plain {
			return ruling{verdict: toNodata, fix: fixPair}
		}
	case failure:
		if e.qtype == dns.TypeAAAA {
			return e.judgeDenied()
		}
	}
	return ruling{verdict: pass}
}

// judgeDenied has an AAAA half that denies the name, while the A half fails.
func (e evidence) judgeDenied() ruling {
	if e.looksAhead() {
		switch e.ahead {
		case unknown:
			return ruling{needs: needs{ahead: true}}
		case data:
			return ruling{verdict: pass}
		}
	}
	return ruling{verdict: toNodata, fix: fixPair, brief: true}
}

// judgeFailure has one half that fails:
//
//	sibling   any name
//	data      NODATA, briefly (failure)
//	nxdomain  AAAA: NXDOMAIN (failure), as an NXDOMAIN for A speaks for the whole name
//	other     below a search suffix of the nodes NXDOMAIN (search) if there is an address ahead; else pass
func (e evidence) judgeFailure() ruling {
	switch {
	case !e.enabled[fixFailure] && !e.looksAhead():
		return ruling{verdict: pass}
	case e.sibling == unknown:
		return ruling{needs: needs{sibling: true, ahead: e.late && e.looksAhead()}}
	case !e.enabled[fixFailure] && e.sibling == data:
		return ruling{verdict: pass}
	case e.sibling == data:
		return ruling{verdict: toNodata, fix: fixFailure, brief: true}
	case e.enabled[fixFailure] && e.sibling == nxdomain && e.qtype == dns.TypeAAAA:
		return ruling{verdict: toNxdomain, fix: fixFailure, brief: true}
	}
	return e.judgeAhead()
}

// judgeAhead sends the client on if there is an address further down its search list. If there is none, a failure
// stays what it is: a client that is told of a failure asks again later, one that is told NXDOMAIN does not.
func (e evidence) judgeAhead() ruling {
	switch {
	case !e.looksAhead():
		return ruling{verdict: pass}
	case e.ahead == unknown:
		return ruling{needs: needs{ahead: true}}
	case e.ahead == data:
		return ruling{verdict: toNxdomain, fix: fixSearch, brief: true}
	}
	return ruling{verdict: pass}
}
