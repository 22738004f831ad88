package muslsafe

import (
	"hash/maphash"
	"sync"
)

// shards is how many maps a bounded map has, each with a lock of its own, so that queries seldom wait for each other.
const shards = 64

// bounded is a map from hashes to values that forgets an element where it is full. (The one in plugin/pkg/cache of
// CoreDNS 1.13 has no type parameter.) It is safe for concurrent use.
type bounded[V any] struct {
	seed   maphash.Seed
	shards [shards]shard[V]
}

type shard[V any] struct {
	mu  sync.RWMutex
	m   map[uint64]V
	max int
}

// newBounded returns a map of size elements at the most, rounded down to a multiple of shards.
func newBounded[V any](size int) *bounded[V] {
	b := &bounded[V]{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i] = shard[V]{m: make(map[uint64]V), max: size / shards}
	}
	return b
}

// hash returns the hash of a name in this map.
func (b *bounded[V]) hash(name string) uint64 { return maphash.String(b.seed, name) }

func (b *bounded[V]) shard(key uint64) *shard[V] { return &b.shards[key%shards] }

func (b *bounded[V]) get(key uint64) (V, bool) {
	s := b.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[key]
	return v, ok
}

// put adds an element, or replaces it. Where there is no room, any other one goes.
func (b *bounded[V]) put(key uint64, v V) {
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.m[key]; !ok && len(s.m) >= s.max {
		for other := range s.m {
			delete(s.m, other)
			break
		}
	}
	s.m[key] = v
}

func (b *bounded[V]) remove(key uint64) {
	s := b.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, key)
}
