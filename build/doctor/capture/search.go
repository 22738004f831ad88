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

// base returns the labels with which all names of a lookup begin.
func (l *lookup) base() string {
	base := l.steps[0].name
	for _, s := range l.steps[1:] {
		base = commonLabels(base, s.name)
	}
	return base
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
	base := l.base()
	suffixes, first, _ := l.suffixes(base)
	if len(l.steps) == 1 && !l.steps[0].malformed {
		if len(known) == 0 || !strings.HasSuffix(base, "."+known[0]+".") {
			return asked{name: base, conf: l.conf(nil, 1)}
		}
		base = strings.TrimSuffix(base, known[0]+".")
		suffixes, first = known[:1], false
	}
	if len(known) > len(suffixes) && slices.Equal(suffixes, known[:len(suffixes)]) {
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

// habits are the search lists of one client, as they are learnt.
type habits struct {
	search []string
	seen   map[string]string // a list, and one name that was looked up with it
}

// maxHabits bounds the lists that are remembered of one client.
const maxHabits = 8

// learn takes the search list of a lookup. One is believed if it ends with the name itself, as searches that find nothing do,
// or if it was used for two names: programs also look up names that only begin alike.
func (h *habits) learn(l *lookup) {
	if len(l.steps) < 2 {
		return
	}
	base := l.base()
	list, first, last := l.suffixes(base)
	if len(list) <= len(h.search) || base == "" {
		return
	}
	key := strings.Join(list, " ")
	if h.seen == nil || len(h.seen) >= maxHabits {
		h.seen = make(map[string]string)
	}
	other, again := h.seen[key]
	if last && len(list) > 1 || first && len(list) > 1 || again && other != base || len(h.search) > 0 && slices.Equal(h.search, list[:len(h.search)]) {
		h.search = list
		return
	}
	h.seen[key] = strings.Clone(base)
}
