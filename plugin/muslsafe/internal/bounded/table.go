package bounded

import (
	"sync/atomic"
	"time"
)

// A Table is a memory of fixed size without locks. If there is no room for a key, the key that expires first is forgotten. A
// Table compares 41 bits of the hashes of keys, so a full one may be wrong about one key in thirty million: nothing that changes
// an answer may depend on it alone.
type Table struct {
	began time.Time // when the table's time began, on a monotonic clock
	sets  [][ways]atomic.Uint64
}

// slot has, from the top: 28 bits of the hash that do not choose the set, the second in which it expires, and the value.
type slot uint64

const (
	ways    = 8       // slots in a set, which fits one cache line of the processor
	sets    = 1 << 13 // of a table
	ageBits = 28      // eight years
	tagAt   = 36      // the tag of a hash begins at this bit
)

// NewTable returns an empty table, of half a megabyte.
func NewTable() *Table { return &Table{began: time.Now(), sets: make([][ways]atomic.Uint64, sets)} }

func (t *Table) seconds(at time.Time) uint64 {
	return uint64(max(at.Sub(t.began), 0)/time.Second) + 1 // an empty slot has expired
}

func (t *Table) pack(hash uint64, value uint16, until time.Time) slot {
	return slot(hash>>tagAt<<tagAt | t.seconds(until)&(1<<ageBits-1)<<8 | uint64(uint8(value)))
}

// isAbout reports whether the slot is about a hash.
func (s slot) isAbout(hash uint64) bool { return uint64(s)>>tagAt == hash>>tagAt }

// until is the second in which the slot expires, and 0 if it is empty.
func (s slot) until() uint64 { return uint64(s) >> 8 & (1<<ageBits - 1) }

func (s slot) value() uint16 { return uint16(uint8(s)) }

// Get returns the value at a hash, unless it has expired.
func (t *Table) Get(hash uint64, now time.Time) (value uint16, ok bool) {
	set, seconds := &t.sets[hash%sets], t.seconds(now)
	for i := range set {
		if s := slot(set[i].Load()); s.isAbout(hash) && s.until() > seconds {
			return s.value(), true
		}
	}
	return 0, false
}

// Put sets the value at a hash until a time, to the second.
func (t *Table) Put(hash uint64, value uint16, until time.Time) {
	next := uint64(t.pack(hash, value, until))
	for {
		if place, was := t.place(hash); place.CompareAndSwap(uint64(was), next) {
			return
		}
	}
}

// place returns the slot about a hash, or the slot of its set that expires first, and what is there.
func (t *Table) place(hash uint64) (place *atomic.Uint64, was slot) {
	set := &t.sets[hash%sets]
	for i := range set {
		s := slot(set[i].Load())
		if s.until() > 0 && s.isAbout(hash) {
			return &set[i], s
		}
		if place == nil || s.until() < was.until() {
			place, was = &set[i], s
		}
	}
	return place, was
}

// PutFirst is Put unless another value is there that has not expired. It reports whether it put the value. If two values are put
// at the same instant, it may put neither.
func (t *Table) PutFirst(hash uint64, value uint16, now, until time.Time) bool {
	seconds, next := t.seconds(now), uint64(t.pack(hash, value, until))
	for {
		place, was := t.place(hash)
		if was.isAbout(hash) && was.until() > seconds && was.value() != value {
			return false
		}
		if !place.CompareAndSwap(uint64(was), next) {
			continue
		}
		if t.isAlone(hash, value, seconds) {
			return true
		}
		place.CompareAndSwap(next, 0)
		return false
	}
}

// isAlone reports whether value is the only one at a hash that has not expired.
func (t *Table) isAlone(hash uint64, value uint16, seconds uint64) bool {
	set := &t.sets[hash%sets]
	for i := range set {
		if s := slot(set[i].Load()); s.isAbout(hash) && s.until() > seconds && s.value() != value {
			return false
		}
	}
	return true
}
