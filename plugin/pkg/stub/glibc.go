package stub

import "strings"

// glibc is the model of glibc 2.36 with nss_dns alone ("hosts: dns").
type glibc struct{}

// hostErr is h_errno.
type hostErr uint8

const (
	hostNotFound hostErr = iota // HOST_NOT_FOUND; also the value before anything was asked
	tryAgain                    // TRY_AGAIN
	noRecovery                  // NO_RECOVERY
	noAddress                   // NO_DATA
)

// sendErr is errno after a question.
type sendErr uint8

const (
	noSendErr sendErr = iota
	timedOut          // ETIMEDOUT: no server gave a usable answer
	nobody            // ECONNREFUSED: no server was there
)

// glibcLookup is one run of getaddrinfo.
type glibcLookup struct {
	*lookup
	questions []Query // of the open step
	herr      hostErr
	errno     sendErr
	hung      bool // a TCP connection never answers
	first     int  // the return code in the first answer buffer (hp->rcode in __res_context_search)
	serial    bool // RES_SNGLKUP: A first, AAAA after its answer; a timeout switches it on for good
	reopen    bool // RES_SNGLKUPREOP: the same from a new socket each
}

// A pair is what came back in the order of arrival, not of asking. nil: no answer of any use.
type pair struct {
	first, second []byte
}

// getaddrinfo asks until the result fits its buffer: one that does not is asked for all over again. A name that
// no host may have is not asked for at all.
func (glibc) getaddrinfo(l *lookup, name string) Result {
	name, _, _ = strings.Cut(name, "\x00")
	if !hostName(name) {
		return Result{Err: NoName}
	}
	g := &glibcLookup{lookup: l, serial: l.conf.SingleRequest, reopen: l.conf.SingleRequestReopen}
	for size := glibcBuffer; ; size *= 2 {
		p, ok := g.search(name)
		if g.hung {
			return Result{Err: Hang, Elapsed: Forever}
		}
		if !ok {
			return Result{Err: g.err()}
		}
		r, need := g.read(p)
		if r.Err != OK {
			g.end(Stop, r.Err) // records, but no address: the search has ended all the same
		}
		if need <= size {
			return r
		}
	}
}

// err is what gaih_inet makes of a failed search. AF_INET alone goes through gethostbyname2_r, where a temporary
// failure counts only if the last question met one: SERVFAIL earlier in the search list is then NONAME.
func (g *glibcLookup) err() Errno {
	switch {
	case g.herr == noAddress:
		return NoData
	case g.herr == tryAgain && (g.family != V4 || g.errno != noSendErr):
		return Again
	}
	return NoName
}
