package muslsafe

import "github.com/miekg/dns"

// outcome is what one lookup, of A or of AAAA, says about a name.
type outcome uint8

const (
	failure  outcome = iota // nothing: SERVFAIL, REFUSED, NOTIMP, FORMERR, an error, or no answer at all
	data                    // the name exists and has records of the asked type
	nodata                  // the name exists and has none
	nxdomain                // the name does not exist
)

var outcomeNames = [...]string{failure: "failure", data: "data", nodata: "nodata", nxdomain: "nxdomain"}

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
	pass     verdict = iota // it goes out as it came
	toNodata                // its return code becomes NOERROR: the name exists
)

// needsSibling reports whether the sibling, the other half of the pair, decides on an answer with this outcome.
func needsSibling(own outcome) bool { return own == nxdomain }

// judge decides on one half of a pair: own is its outcome, sibling that of the other half. A name is expanded
// if it ends in a search suffix, so that a client who finds nothing there searches on.
//
// musl 1.2.1 and later drops the addresses of one half if the other says NXDOMAIN (lookup_name.c,
// name_from_dns), so both halves must agree on whether the name exists. The table holds for A and AAAA alike:
//
//	own       sibling   plain name    expanded name
//	nxdomain  data      NODATA        NODATA         the sibling shows that the name exists
//	nxdomain  nodata    NODATA        pass           NXDOMAIN lets the search go on, and NODATA ends it
//	nxdomain  nxdomain  pass          pass           they agree
//	nxdomain  failure   pass          pass           a failure shows nothing
//	other     any       pass          pass
func judge(own, sibling outcome, expanded bool) verdict {
	if own != nxdomain {
		return pass
	}
	if sibling == data || sibling == nodata && !expanded {
		return toNodata
	}
	return pass
}
