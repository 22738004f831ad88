package capture

import (
	"slices"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// asked is what a program asked its libc for, and the configuration of that libc, as far as the traffic shows.
type asked struct {
	name     string // with a final dot if it was not searched for
	conf     stub.Config
	searched bool
}

// base returns what all names of a lookup have in front of a suffix of the search list. Where the list is not known, it is
// the labels with which all of them begin; that is too much where the search domains begin alike.
func (l *lookup) base(search []string) string {
	first := l.steps[0].name
	for _, domain := range search {
		if base, ok := cutDomain(first, domain); ok && l.beginsWith(base) {
			return base
		}
	}
	base := first
	for _, s := range l.steps[1:] {
		base = commonLabels(base, s.name)
	}
	return base
}

// cutDomain returns what stands in front of a search domain.
func cutDomain(name, domain string) (base string, ok bool) {
	base, ok = strings.CutSuffix(name, domain+".")
	return base, ok && strings.HasSuffix(base, ".")
}

func (l *lookup) beginsWith(base string) bool {
	return !slices.ContainsFunc(l.steps, func(s *step) bool { return !strings.HasPrefix(s.name, base) })
}

// suffixes returns what was appended to the base, in this order and without final dots, and whether the base itself was
// asked for first, or last.
func (l *lookup) suffixes(base string) (all []string, first, last bool) {
	for i, s := range l.steps {
		suffix := strings.TrimSuffix(s.name[len(base):], ".")
		switch {
		case suffix != "":
			all = append(all, suffix)
		case s.malformed:
			all = append(all, ".")
		default:
			first, last = first || i == 0, last || i == len(l.steps)-1
		}
	}
	return all, first, last
}

// ask says what a program asked for. known is the search list of this client.
func (l *lookup) ask(known []string, ndots int) asked {
	if len(l.steps) == 1 && !l.steps[0].malformed && !l.isFirst(known) {
		return asked{name: l.steps[0].name, conf: l.conf(nil, 1)}
	}
	base := l.base(known)
	suffixes, first, last := l.suffixes(base)
	if !(last && !first) && len(known) > len(suffixes) && slices.Equal(suffixes, known[:len(suffixes)]) {
		suffixes = known
	}
	name := strings.TrimSuffix(base, ".")
	dots := strings.Count(name, ".")
	switch {
	case ndots >= 0: // it is known
	case first:
		ndots = min(dots, 1)
	default:
		ndots = max(5, dots+1)
	}
	return asked{name, l.conf(suffixes, min(ndots, 15)), true}
}

// isFirst reports whether a lookup begins with the first search domain.
func (l *lookup) isFirst(known []string) bool {
	if len(known) == 0 {
		return false
	}
	_, ok := cutDomain(l.steps[0].name, known[0])
	return ok
}

// conf returns the configuration of a libc that searches these domains.
func (l *lookup) conf(search []string, ndots int) stub.Config {
	c := stub.Config{Search: search, Ndots: ndots, Timeout: 5 * time.Second, Attempts: 2}
	for _, s := range l.steps {
		for i := range s.halves {
			for _, t := range s.halves[i].tries {
				if !slices.Contains(c.Servers, t.server) && len(c.Servers) < 3 {
					c.Servers = append(c.Servers, t.server)
				}
			}
		}
	}
	return c
}

// patience returns how long the libc waits before it asks again, 0 if it never had to.
func (l *lookup) patience() (gap time.Duration, tries int) {
	for _, s := range l.steps {
		for i := range s.halves {
			h := &s.halves[i]
			for k := 1; k < len(h.tries); k++ {
				before, now := &h.tries[k-1], &h.tries[k]
				if before.fate == stub.Silent && before.server == now.server && now.transport == stub.UDP && now.at-before.at > gap {
					gap, tries = now.at-before.at, max(tries, len(h.tries))
				}
			}
		}
	}
	return gap, tries
}

// patient adapts a configuration to how long a client waits. musl divides its timeout by its attempts; glibc waits for it each time.
func patient(c stub.Config, musl bool, gap time.Duration, tries int) stub.Config {
	const odd, usual = 400 * time.Millisecond, 5 * time.Second // the clock of a busy machine, and the timeout of both
	if gap == 0 || (gap-usual).Abs() < odd || (gap-usual/2).Abs() < odd {
		return c
	}
	if !musl {
		c.Timeout = max(gap.Round(time.Second), time.Second)
		return c
	}
	c.Attempts = max(2, min(tries, 10)) // as musl has it
	c.Timeout = max((gap * time.Duration(c.Attempts)).Round(time.Second), time.Second)
	return c
}

// habits are the search list of one client, as it is learnt.
type habits struct {
	search []string
	seen   map[string]string // two suffixes, and a name that was looked up with them, one right after the other
}

// maxHabits bounds the suffixes that are remembered of one client.
const maxHabits = 4

// guess reports whether a name goes on with a search whose list is not known, where both only begin alike. It is believed
// when a second name is looked up with the same suffixes: programs also look up names that only begin alike.
func (h *habits) guess(l *lookup, name string) bool {
	if len(h.search) > 0 {
		return false
	}
	base := commonLabels(l.last().name, name)
	before, after := strings.TrimSuffix(l.last().name[len(base):], "."), strings.TrimSuffix(name[len(base):], ".")
	key := before + " " + after
	if other, ok := h.seen[key]; ok && other != base {
		h.search = []string{before, after}
		return true
	}
	if h.seen == nil || len(h.seen) >= maxHabits {
		h.seen = make(map[string]string)
	}
	h.seen[key] = strings.Clone(base)
	return false
}

// learn takes the search list of a lookup, if it is longer than what is known.
func (h *habits) learn(l *lookup) {
	if len(l.steps) < 2 {
		return
	}
	base := l.base(h.search)
	list, first, last := l.suffixes(base)
	if len(list) <= len(h.search) || base == "" {
		return
	}
	if (first || last) && len(list) > 1 || len(h.search) > 0 && slices.Equal(h.search, list[:len(h.search)]) {
		h.search = list
	}
}
