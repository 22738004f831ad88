package capture

import (
	"encoding/binary"
	"hash/maphash"
	"time"
)

// memo remembers verdicts: in a cluster, the same names go wrong in the same way again and again.
type memo struct {
	hash  maphash.Hash
	known map[uint64]*verdict
}

const (
	// maxMemo bounds the verdicts; when there are more, it starts anew.
	maxMemo = 2048

	// alike is how far the times of two lookups may be apart for the same verdict.
	alike = 20 * time.Millisecond
)

// key hashes all on which a verdict depends: the names, the search list, and what came back, when and how, but for IDs.
func (m *memo) key(l *lookup, search []string) uint64 {
	h := &m.hash
	h.Reset()
	for _, domain := range search {
		_, _ = h.WriteString(domain) // a hash never fails
		_ = h.WriteByte(0)
	}
	begin := l.steps[0].begin
	for _, s := range l.steps {
		_, _ = h.WriteString(s.name)
		m.numbers(bit(s.malformed), bit(s.connected))
		for i := range s.halves {
			half := &s.halves[i]
			for k := range half.tries {
				t := &half.tries[k]
				m.numbers(uint64(half.qtype), uint64(t.transport), uint64(t.fate), uint64((t.at-begin)/alike), uint64(t.after/alike))
				server := t.server.As16()
				_, _ = h.Write(server[:])
				if msg := s.bytes(t); len(msg) > 2 {
					_, _ = h.Write(msg[2:])
				}
			}
		}
	}
	return h.Sum64()
}

func bit(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

func (m *memo) numbers(all ...uint64) {
	var b [8]byte
	for _, x := range all {
		binary.LittleEndian.PutUint64(b[:], x)
		_, _ = m.hash.Write(b[:])
	}
}

// judge returns the verdict on a lookup, which it may have reached before.
func (m *memo) judge(l *lookup, search []string, judge func() *verdict) *verdict {
	key := m.key(l, search)
	if v := m.known[key]; v != nil {
		return v
	}
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = make(map[uint64]*verdict)
	}
	v := judge()
	v.forget() // what the packets refer to is used again
	m.known[key] = v
	return v
}
