package stub

import (
	"strings"

	"github.com/miekg/dns"
)

// search is __res_context_search: a name with enough dots is tried as it is first, then the search list, then
// the name as it is if it has not been tried. NODATA, NXDOMAIN and SERVFAIL go on; other failures end the list.
func (g *glibcLookup) search(name string) (pair, bool) {
	final := strings.HasSuffix(name, ".")
	asIs, saved := strings.Count(name, ".") >= g.conf.Ndots || final, noRecovery
	if asIs {
		p, ok := g.query(name)
		if ok || final || g.hung {
			return p, ok
		}
		saved = g.herr
	}
	p, seen, ok := g.searchList(name)
	if ok || seen.over {
		return p, ok
	}
	if !asIs && !seen.root {
		if p, ok := g.query(name); ok || g.hung {
			return p, ok
		}
	}
	switch {
	case asIs:
		g.herr = saved
	case seen.noData:
		g.herr = noAddress
	case seen.servfail:
		g.herr = tryAgain
	}
	return pair{}, false
}

// seen is what the search list has shown, for the error at the end.
type seen struct {
	noData, servfail bool
	root             bool // "." was on the list: the name as it is has been tried
	over             bool // nobody listens, or a hang: do not even try the name as it is
}

func (g *glibcLookup) searchList(name string) (_ pair, s seen, ok bool) {
	for _, domain := range g.conf.Search {
		domain = strings.TrimPrefix(domain, ".")
		s.root = s.root || domain == ""
		p, ok := g.query(name + "." + domain)
		if ok || g.hung {
			s.over = g.hung
			return p, s, ok
		}
		if g.errno == nobody {
			g.herr, s.over = tryAgain, true
			return pair{}, s, false
		}
		switch {
		case g.herr == noAddress:
			s.noData = true
		case g.herr == hostNotFound:
		case g.herr == tryAgain && g.first == dns.RcodeServerFailure:
			s.servfail = true
		default:
			return pair{}, s, false
		}
	}
	return pair{}, s, false
}
