package muslsafe

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	maxDenials = 1 << 14                // remembered in one server block
	keepDenial = briefTTL * time.Second // for as long as a client may keep one, or ask again (musl, res_msend.c)
)

// denials remembers to whom one half of a pair that fails was denied because the other half has addresses. If the other
// half fails as well when the client asks for it (again), that must not be denied in turn: the client would take it that the
// name has no addresses at all, while each question that muslsafe asked for the sake of the other has found some.
type denials struct {
	mu   sync.Mutex // so that of two halves that are judged at the same time one is the first
	last *bounded[denial]
}

type denial struct {
	qtype   uint16
	expires time.Time
}

func newDenials() denials { return denials{last: newBounded[denial](maxDenials)} }

// claim reports whether the half of a name, in lower case, may be denied to a client that the other half has not been
// denied to.
func (ds *denials) claim(client netip.Addr, name string, qtype uint16, now time.Time) bool {
	key := ds.last.hash(name) ^ maphash.Comparable(ds.last.seed, client)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d, ok := ds.last.get(key); ok && d.qtype != qtype && now.Before(d.expires) {
		return false
	}
	ds.last.put(key, denial{qtype, now.Add(keepDenial)})
	return true
}
