// Package libc tells by the numbers of queries which C library has sent them.
package libc

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// musl makes the number of a query of the clock, in nanoseconds (res_mkquery.c), and A and AAAA one right after the other;
// other libraries use random numbers. So the numbers of a pair from musl are close together, and those of another pair
// are by an accident that happens to 3 of 100.
const maxMuslDelta = 2048

// A Table finds the two halves of a pair, which a stub resolver sends from one socket. Its size is fixed: where clients
// send more than it has room for, pairs are lost, and nobody is counted for another. It has no locks, and a client does
// not wait for it.
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

// seen is one query as a slot has it: from the top 28 bits of the hash of its socketName, 16 of the time in seconds,
// 16 of its number, one for AAAA, one that its pair has been counted, and one that tells it from an empty slot.
type seen uint64

const (
	seenUsed    seen = 1 << 0
	seenCounted seen = 1 << 1
	seenAAAA    seen = 1 << 2
)

// pairWithin is the time, in seconds, after which a client has given up (musl, res_msend.c), so that a query from the same
// socket is another one's.
const pairWithin = 5

func newSeen(hash uint64, at time.Time, id, qtype uint16) seen {
	h := seenUsed | seen(id)<<4 | seen(uint16(at.Unix()))<<20 | seen(hash>>36)<<36
	if qtype == dns.TypeAAAA {
		h |= seenAAAA
	}
	return h
}

func (h seen) id() uint16 { return uint16(h >> 4) }

// matches reports whether both are of one socket, name and time.
func (h seen) matches(other seen) bool {
	age := uint16(h>>20) - uint16(other>>20)
	return other&seenUsed != 0 && h>>36 == other>>36 && (age <= pairWithin || -age <= pairWithin)
}

// See takes a query and returns the number of the other half of its pair if that is complete now. Queries that are sent again, as
// they are when no answer comes, make no second pair.
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

// IsMusl reports whether the numbers of a pair look like those that musl makes.
func IsMusl(a, aaaa uint16) bool {
	delta := aaaa - a
	return delta > 0 && delta <= maxMuslDelta
}
