package packets

import "encoding/binary"

// flow is one direction of a connection.
type flow struct {
	known  bool
	next   uint32 // the sequence number of what comes next
	buf    []byte // what came and is no whole message yet
	later  []chunk
	fin    bool
	finSeq uint32
}

// chunk is a segment that came before the one in front of it.
type chunk struct {
	seq  uint32
	data []byte
}

// kept returns how many octets are in memory.
func (f *flow) kept() (n int) {
	for _, c := range f.later {
		n += len(c.data)
	}
	return n + len(f.buf)
}

// add takes a segment. It returns false if too many are missing.
func (f *flow) add(seq uint32, data []byte, fin bool) bool {
	if !f.known {
		f.known, f.next = true, seq
	}
	if fin {
		f.fin, f.finSeq = true, seq+uint32(len(data))
	}
	if len(data) == 0 {
		return true
	}
	if int32(seq-f.next) > 0 {
		f.later = append(f.later, chunk{seq, append([]byte(nil), data...)})
		return len(f.later) <= maxLater
	}
	f.take(chunk{seq, data})
	for again := true; again; {
		again = false
		for i, c := range f.later {
			if int32(c.seq-f.next) <= 0 {
				f.take(c)
				f.later = append(f.later[:i], f.later[i+1:]...)
				again = true
				break
			}
		}
	}
	return true
}

// take appends what is new of a segment that does not come too early.
func (f *flow) take(c chunk) {
	old := f.next - c.seq
	if old >= uint32(len(c.data)) {
		return // sent again
	}
	f.buf = append(f.buf, c.data[old:]...)
	f.next = c.seq + uint32(len(c.data))
}

// message takes the first whole message out, nil if there is none. It is valid until the next segment.
func (f *flow) message() []byte {
	if len(f.buf) < 2 {
		return nil
	}
	end := 2 + int(binary.BigEndian.Uint16(f.buf))
	if len(f.buf) < end {
		return nil
	}
	msg := f.buf[2:end:end]
	if f.buf = f.buf[end:]; len(f.buf) == 0 {
		f.buf = nil
	}
	return msg
}

// ended reports whether the direction was closed, and all before that has come.
func (f *flow) ended() bool { return f.fin && int32(f.next-f.finSeq) >= 0 }
