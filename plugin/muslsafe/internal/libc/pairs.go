// Package libc tells by the IDs of queries which C library sent them.
package libc

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// musl takes the ID of a query from the clock, in nanoseconds (res_mkquery.c), and makes A and AAAA one right after the other, so
// their IDs are close together. Other libraries use random IDs, which are as close in 3 of 100 pairs.
const maxMuslDelta = 2048

// A Table finds the two halves of a pair, which a stub resolver sends from one socket. Its size is fixed: if clients send more
// than it has room for, pairs are missed, and none is miscounted. It has no locks, so no client waits for it.
type Table struct {
	seed  maphash.Seed
	slots [4096]atomic.Uint64
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{seed: maphash.MakeSeed()} }

// socketName is what both halves of a pair have in common.
type socketName struct {
	socket netip.AddrPort
	name   string
}

// seen is one query in a slot. From the top: 28 bits of the hash of its socketName, 16 bits of the time in seconds, 16 bits of
// its ID, one bit for AAAA, one if its pair has been counted, and one that tells it from an empty slot.
type seen uint64

const (
	seenUsed    seen = 1 << 0
	seenCounted seen = 1 << 1
	seenAAAA    seen = 1 << 2
)

// pairWithin is the time, in seconds, after which a client gives up (musl, res_msend.c), so that a later query from the same
// socket belongs to another lookup.
const pairWithin = 5

func newSeen(hash uint64, at time.Time, id, qtype uint16) seen {
	h := seenUsed | seen(id)<<4 | seen(uint16(at.Unix()))<<20 | seen(hash>>36)<<36
	if qtype == dns.TypeAAAA {
		h |= seenAAAA
	}
	return h
}

func (h seen) id() uint16 { return uint16(h >> 4) }

// matches reports whether both have the same socket and name, and about the same time.
func (h seen) matches(other seen) bool {
	age := uint16(h>>20) - uint16(other>>20)
	return other&seenUsed != 0 && h>>36 == other>>36 && (age <= pairWithin || -age <= pairWithin)
}

// See takes a query. If it completes a pair, See returns the ID of the other half. Repeated queries, sent when no answer comes,
// make no second pair.
func (t *Table) See(from netip.AddrPort, name string, id, qtype uint16, at time.Time) (other uint16, ok bool) {
	hash := maphash.Comparable(t.seed, socketName{from, name})
	slot, h := &t.slots[hash%uint64(len(t.slots))], newSeen(hash, at, id, qtype)
	for {
		was := seen(slot.Load())
		next := h
		isPair := h.matches(was)
		if isPair {
			if was&seenCounted != 0 || (h^was)&seenAAAA == 0 {
				return 0, false
			}
			next = was | seenCounted
		}
		if slot.CompareAndSwap(uint64(was), uint64(next)) {
			return was.id(), isPair
		}
	}
}

// IsMusl reports whether the IDs of a pair look like those of musl.
func IsMusl(a, aaaa uint16) bool {
	delta := aaaa - a
	return delta > 0 && delta <= maxMuslDelta
}
