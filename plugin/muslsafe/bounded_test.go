package muslsafe

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestBounded fills a map many times over, from several goroutines: it never holds more than it may, and what was put
// last is there.
func TestBounded(t *testing.T) {
	const size = 4 * shards
	b := newBounded[int](size)
	var wg sync.WaitGroup
	for n := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(3, n))
			for i := range 10_000 {
				key := rng.Uint64()
				b.put(key, i)
				if i%3 == 0 {
					b.remove(key)
				}
				b.get(key)
			}
		})
	}
	wg.Wait()
	if n := b.len(); n > size || n < size/2 {
		t.Errorf("%d elements; want at most %d, and most of them", n, size)
	}
	b.put(7, 1)
	b.put(7, 2)
	if v, ok := b.get(7); !ok || v != 2 {
		t.Errorf("get = %d, %v; want 2", v, ok)
	}
	b.remove(7)
	if v, ok := b.get(7); ok {
		t.Errorf("get = %d after remove; want nothing", v)
	}
}

// len returns the number of elements.
func (b *bounded[V]) len() (n int) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		n += len(s.m)
		s.mu.RUnlock()
	}
	return n
}

// TestHintsAreBounded learns about three times as many names as there is room for.
func TestHintsAreBounded(t *testing.T) {
	hs := newHints()
	m := answer(query(plainName, dns.TypeA), data)
	for i := range 3 * maxHints {
		hs.learn(&flight{key: flightKey{name: fmt.Sprintf("www%d.example.com.", i)}, began: time.Now(), outcome: data, msg: m})
	}
	if n := hs.until.len(); n > maxHints || n < maxHints*9/10 {
		t.Errorf("%d hints; want about %d, and no more", n, maxHints)
	}
}

// TestWaitersAreBounded has more clients wait at a time than waiters are kept.
func TestWaitersAreBounded(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{}}
		p := testPlugin(u)
		var clients sync.WaitGroup
		for i := range maxWaiters + 100 {
			name := fmt.Sprintf("www%d.example.com.", i)
			u.change(name+" A", step{outcome: data, delay: 100 * time.Millisecond})
			clients.Go(func() { _, _, _ = exchange(t, p, query(name, dns.TypeA)) })
		}
		clients.Wait()
		if n := len(p.waiters); n != maxWaiters {
			t.Errorf("%d waiters are kept; want %d", n, maxWaiters)
		}
	})
}

// TestProbesAreBounded has wildcards at all search domains, and many names below them.
func TestProbesAreBounded(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(answers(data, data), with(fixWildcard))
		for i := range 50 {
			for _, zone := range testSuffixes.node {
				_, _, _ = exchange(t, p, query(fmt.Sprintf("www.x%d.%s", i, zone), dns.TypeA))
			}
		}
		if n := len(p.probes.m); n != len(testSuffixes.node) {
			t.Errorf("%d random names are remembered; want one for each of %d search domains", n, len(testSuffixes.node))
		}
	})
}
