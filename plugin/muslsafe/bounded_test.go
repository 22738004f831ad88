package muslsafe

import (
	"math/rand/v2"
	"sync"
	"testing"
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
