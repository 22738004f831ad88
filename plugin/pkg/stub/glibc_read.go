package stub

const (
	glibcBuffer  = 1024 // octets for the result at first (struct scratch_buffer); doubled until it fits
	glibcTuple   = 40   // sizeof (struct gaih_addrtuple)
	glibcPointer = 8    // of a 64-bit machine, as is the above
)

// read turns the answers into a result, and says how many octets of buffer glibc needs for it.
func (g *glibcLookup) read(p pair) (Result, int) {
	if g.family == Both {
		return readBoth(p)
	}
	return readSingle(p.first, g.family)
}

// readBoth is gaih_getanswer: the addresses of both answers, in the order of arrival. If the first cannot be
// read to its end, the second is not looked at; if only the second cannot, what was read of it counts.
func readBoth(p pair) (Result, int) {
	var all answer
	for _, msg := range [][]byte{p.first, p.second} {
		if msg == nil {
			continue
		}
		a := readAnswer(msg, false)
		if !a.ok && len(all.addrs) == 0 {
			return Result{Err: NoName}, 0
		}
		if len(all.addrs) == 0 {
			all.names = a.names // the canonical name is that of the first address
		}
		all.addrs = append(all.addrs, a.addrs...)
	}
	need := glibcTuple * len(all.addrs)
	if len(all.names) > 0 {
		canonical := len(all.names[len(all.names)-1])
		need += (canonical + glibcPointer - 1) / glibcPointer * glibcPointer
	}
	return found(all.addrs, NoName), need
}

// readSingle is getanswer_r: one answer, made into a struct hostent with all the names on the way.
func readSingle(msg []byte, f Family) (Result, int) {
	a := readAnswer(msg, true)
	if !a.ok || len(a.addrs) == 0 {
		if f == V4 && !(a.ok && len(a.names) == 0) {
			return Result{Err: NoData}, 0
		}
		return Result{Err: NoName}, 0
	}
	size := len(a.addrs[0].AsSlice())
	need := (size+glibcPointer)*len(a.addrs) + glibcPointer + glibcPointer*len(a.names)
	for _, name := range a.names {
		need += len(name) // its final dot stands for C's zero
	}
	return found(a.addrs, NoData), need
}
