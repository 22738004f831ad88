package stranger

import (
	"sync/atomic"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

const (
	lookAgain = 15 * time.Second // how often a search domain in use is checked in the background
	lookDead  = 5 * time.Second  // the same for a dead one
)

// Watches are the search domains of the nodes. They are checked in the background, so that clients do not have to wait to find
// out that one is dead.
type Watches map[string]*Watch

// A Watch is for one search domain. It is safe for concurrent use.
type Watch struct {
	began  time.Time
	next   atomic.Int64 // when the next check is due, as time since began
	isDead atomic.Bool
}

// NewWatches returns a watch on each of the domains.
func NewWatches(search []names.Domain) Watches {
	ws := make(Watches)
	for _, d := range search {
		ws[string(d)] = &Watch{began: time.Now()}
	}
	return ws
}

// IsDue reports whether the caller has to check the domain now.
func (w *Watch) IsDue() bool {
	now, next := int64(time.Since(w.began)), w.next.Load()
	return now >= next && w.next.CompareAndSwap(next, now+int64(lookAgain))
}

// MarkDead notes that the domain fails, and makes the next check due soon.
func (w *Watch) MarkDead() {
	w.isDead.Store(true)
	soon := int64(time.Since(w.began) + lookDead)
	if next := w.next.Load(); next > soon {
		w.next.CompareAndSwap(next, soon)
	}
}

// Revive notes that the domain has answered, and reports whether it was dead.
func (w *Watch) Revive() bool { return w.isDead.Load() && w.isDead.CompareAndSwap(true, false) }
