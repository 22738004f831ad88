package bounded

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// TestMap fills a map many times over, from several goroutines: it never holds more than it may, and what was put
// last is there.
func TestMap(t *testing.T) {
	const size = 4 * shards
	b := New[uint64, int](size)
	var wg sync.WaitGroup
	for n := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(3, n))
			for i := range 10_000 {
				key := rng.Uint64()
				b.Put(key, i)
				if i%3 == 0 {
					b.Remove(key)
				}
				b.Get(key)
			}
		})
	}
	wg.Wait()
	if n := b.Len(); n > size || n < size/2 {
		t.Errorf("%d elements; want at most %d, and most of them", n, size)
	}
	b.Put(7, 1)
	b.Put(7, 2)
	if v, ok := b.Get(7); !ok || v != 2 {
		t.Errorf("Get = %d, %v; want 2", v, ok)
	}
	b.Remove(7)
	if v, ok := b.Get(7); ok {
		t.Errorf("Get = %d after Remove; want nothing", v)
	}
}
