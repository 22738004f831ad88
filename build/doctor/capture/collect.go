package capture

import (
	"net/netip"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// The bounds of what is kept until the end.
const (
	maxIdentities = 1 << 14
	maxTroubles   = 1 << 14 // of all clients together
)

// identity is one style of queries of one client: most often, one program.
type identity struct {
	client   netip.Addr
	style    style
	evidence evidence
	lookups  int64
	found    int64 // lookups that every libc answers
	absent   int64 // or for which none has an address
	troubles map[troubleKey]*trouble
}

// troubleKey tells troubles apart.
type troubleKey struct {
	name  string
	kinds string
	near  bool
}

// trouble is lookups of one name that go wrong in the same way, at least on some libc.
type trouble struct {
	verdict *verdict
	count   int64
	first   time.Duration // since 1970
	slowest time.Duration // as it was seen
}

// identityKey finds an identity.
type identityKey struct {
	client netip.Addr
	style  style
}

// lookup takes a lookup that is over.
func (a *Analysis) lookup(l *lookup) {
	a.last = max(a.last, l.last().last)
	id := a.identity(l)
	if id == nil {
		a.unjudged++
		return
	}
	if l.cut {
		a.unfinished++
		return
	}
	if l.isPartial() {
		a.partial++
		return
	}
	id.lookups++
	near := id.evidence.add(l)
	known := a.search(l.client)
	wanted := a.wanted(l, known)
	searched := len(l.steps) > 1 || len(known) > 0 && strings.HasSuffix(l.steps[0].name, "."+known[0]+".")
	found, plain := plainLookup(l, searched)
	a.remember(l, known)
	if plain && !wanted {
		id.count(found)
		return
	}
	v := a.engine.judge(l, known, a.options.Ndots)
	id.evidence.replay(v)
	if wanted {
		a.keep(l, id, v, near)
	} else {
		v.forget()
	}
	if len(v.causes) == 0 {
		id.count(v.outcomes[glibc].Result.Err == stub.OK)
		return
	}
	a.trouble(id, l, v, near)
}

// isPartial reports whether the capture has only a part of a reply.
func (l *lookup) isPartial() bool {
	for _, s := range l.steps {
		for i := range s.halves {
			for k := range s.halves[i].tries {
				if s.halves[i].tries[k].cut {
					return true
				}
			}
		}
	}
	return false
}

func (id *identity) count(found bool) {
	if found {
		id.found++
		return
	}
	id.absent++
}

// replay takes what the models would have asked.
func (e *evidence) replay(v *verdict) {
	e.replayed++
	for i, ok := range v.consistent {
		if !ok {
			e.wrong[i]++
		}
	}
}

func (a *Analysis) identity(l *lookup) *identity {
	k := identityKey{l.client, l.steps[0].style}
	id := a.identities[k]
	if id == nil {
		if len(a.identities) >= maxIdentities {
			return nil
		}
		id = &identity{client: k.client, style: k.style}
		a.identities[k] = id
	}
	return id
}

func (a *Analysis) habitsOf(client netip.Addr) *habits {
	h := a.habits[client]
	if h == nil {
		h = new(habits)
		a.habits[client] = h
	}
	return h
}

// remember keeps what names got, and which search domains answer.
func (a *Analysis) remember(l *lookup, search []string) {
	for _, s := range l.steps {
		for i := range s.halves {
			h := &s.halves[i]
			if t := &h.tries[0]; !s.malformed && t.transport == stub.UDP && s.settled(h) && s.rcode(t) >= 0 && !s.truncated(t) {
				a.engine.answers.add(question{s.name, h.qtype, false}, s.bytes(t))
			}
		}
		if !s.isSettled() {
			continue
		}
		for _, domain := range search {
			if strings.HasSuffix(s.name, "."+domain+".") && !a.engine.alive[domain] && len(a.engine.alive) < maxSuffixes {
				a.engine.alive[domain] = true
			}
		}
	}
}

// trouble counts a lookup that goes wrong on some libc.
func (a *Analysis) trouble(id *identity, l *lookup, v *verdict, near bool) {
	kinds := make([]string, 0, len(v.causes))
	for _, c := range v.causes {
		kinds = append(kinds, string(c.Kind))
	}
	k := troubleKey{strings.TrimSuffix(v.asked.name, "."), strings.Join(kinds, " "), near}
	if id.troubles == nil {
		id.troubles = make(map[troubleKey]*trouble)
	}
	t := id.troubles[k]
	if t == nil {
		if a.troubles >= maxTroubles {
			k.name = "" // further names, together
			t = id.troubles[k]
		}
		if t == nil {
			t = &trouble{verdict: v, first: l.steps[0].begin}
			id.troubles[k] = t
			a.troubles++
		}
	}
	t.count++
	if took := l.observed(); took > t.slowest {
		t.slowest, t.verdict = took, v
	}
}

// kindsOf returns the kinds of the causes of one outcome, without repetition.
func (v *verdict) kindsOf(o outcome) (all []diagnosis.Kind) {
	seen := make(map[diagnosis.Kind]bool)
	for _, i := range o.Causes {
		if k := v.causes[i].Kind; !seen[k] {
			seen[k] = true
			all = append(all, k)
		}
	}
	return all
}
