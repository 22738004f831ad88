package capture

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// The bounds of what is kept until the end.
const (
	maxIdentities = 1 << 14
	maxStyles     = 16      // of one client
	maxTroubles   = 1 << 13 // of all clients together
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

// lookup takes a lookup that is over.
func (a *Analysis) lookup(l *lookup) {
	a.last = max(a.last, l.last().last)
	id := a.identity(l)
	if id == nil {
		a.unjudged++
		return
	}
	if l.cut && !l.isHeard() {
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
	searched := len(l.steps) > 1 || l.isFirst(known)
	found, plain := plainLookup(l, searched)
	a.remember(l, known)
	if plain && !wanted {
		id.count(found)
		return
	}
	v := a.judge(l, id, known, wanted, near)
	id.evidence.replay(v)
	if len(v.causes) == 0 {
		id.count(v.outcomes[glibc].Result.Err == stub.OK)
		return
	}
	a.trouble(id, l, v, near)
}

// judge returns the verdict on a lookup, and keeps it for a trace if it is wanted.
func (a *Analysis) judge(l *lookup, id *identity, known []string, wanted, near bool) *verdict {
	judge := func() *verdict { return a.engine.judge(l, known, a.options.Ndots) }
	if !wanted {
		return a.memo.judge(l, known, judge)
	}
	v := judge()
	a.keep(l, id, v, near)
	return v
}

// isHeard reports whether each question has got a reply, be it a bad one: what comes of it can be told.
func (l *lookup) isHeard() bool {
	for _, s := range l.steps {
		for i := range s.halves {
			if !slices.ContainsFunc(s.halves[i].tries, func(t try) bool { return t.fate != stub.Silent }) {
				return false
			}
		}
	}
	return true
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

// identity returns the program that asked, nil if there are too many.
func (a *Analysis) identity(l *lookup) *identity {
	c, style := l.client, l.steps[0].style
	for _, id := range c.identities {
		if id.style == style {
			return id
		}
	}
	if len(a.identities) >= maxIdentities || len(c.identities) >= maxStyles {
		return nil
	}
	id := &identity{client: c.addr, style: style}
	c.identities = append(c.identities, id)
	a.identities = append(a.identities, id)
	return id
}

// remember keeps what names got, and which search domains answer.
func (a *Analysis) remember(l *lookup, search []string) {
	for _, s := range l.steps {
		for i := range s.halves {
			h := &s.halves[i]
			if *s.known.answer(h.qtype) != nil || s.malformed {
				continue
			}
			if t := s.whole(h); t != nil && t.transport == stub.UDP && t.to-t.from <= dns.MinMsgSize {
				*s.known.answer(h.qtype) = bytes.Clone(s.bytes(t))
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
