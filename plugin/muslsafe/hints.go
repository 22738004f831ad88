package muslsafe

import (
	"math"
	"time"
)

const (
	maxHints = 1 << 14               // kept in one server block, as many as the cache plugin keeps answers by default
	quick    = 50 * time.Millisecond // a flight that takes no longer needs nobody to watch the clock
)

// hints tell which questions can be expected to be answered at once: they were, and the answer has not expired since, so
// it is in the cache, or still in the memory of whoever made it. Such a question does without the goroutine that is most
// of what a flight costs. A hint that is wrong makes one client wait as it would without muslsafe.
type hints struct {
	began time.Time               // of the time that the hints count in, which is that of a clock that nobody sets
	until *bounded[time.Duration] // when the answer expires
}

func newHints() hints {
	return hints{began: time.Now(), until: newBounded[time.Duration](maxHints)}
}

func (hs *hints) key(f *flight) uint64 {
	key := hs.until.hash(f.key.name) ^ uint64(f.key.qtype)
	if f.key.tcp {
		return ^key // what is cut for UDP is another answer
	}
	return key
}

// expect reports whether f can be expected to land at once.
func (hs *hints) expect(f *flight) bool {
	until, ok := hs.until.get(hs.key(f))
	return ok && f.began.Sub(hs.began) < until
}

// learn takes note of how f went.
func (hs *hints) learn(f *flight) {
	landed := time.Now()
	isQuick := landed.Sub(f.began) <= quick
	switch {
	case f.isExpected && isQuick:
	case f.isExpected:
		hs.until.remove(hs.key(f))
	case isQuick:
		if ttl := timeToLive(f); ttl > 0 {
			hs.until.put(hs.key(f), landed.Sub(hs.began)+ttl)
		}
	}
}

// timeToLive returns how long the answer of a flight may be kept (RFC 2181, section 5.2; RFC 2308, section 5).
func timeToLive(f *flight) time.Duration {
	if f.outcome == failure {
		return 0
	}
	var ttl uint32 = math.MaxUint32
	for _, rr := range f.msg.Answer {
		ttl = min(ttl, rr.Header().Ttl)
	}
	if f.outcome != data {
		ttl = min(ttl, negativeTTL(f.msg))
	}
	return time.Duration(ttl) * time.Second
}
