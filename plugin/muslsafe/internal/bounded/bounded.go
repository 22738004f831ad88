// Package bounded has containers of bounded size, for what a server remembers and reuses.
package bounded

import (
	"hash/maphash"
	"sync"
)

// shards is how many parts a map has, each with its own lock, so that queries rarely wait for each other.
const shards = 64

// A Map forgets an arbitrary element if there is no room for a new one. It knows keys only by their hashes, of 64 bits and with a
// seed of its own. If not even one collision in the life of a server is acceptable, the value has to contain its key. A Map is
// safe for concurrent use. (The map in plugin/pkg/cache of CoreDNS 1.13 has no type parameter.)
type Map[K comparable, V any] struct {
	seed   maphash.Seed
	shards [shards]shard[V]
}

type shard[V any] struct {
	mu  sync.RWMutex
	m   map[uint64]V
	max int
}

// New returns a map of at most size elements, rounded down to a multiple of the number of shards.
func New[K comparable, V any](size int) *Map[K, V] {
	b := &Map[K, V]{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i] = shard[V]{m: make(map[uint64]V), max: size / shards}
	}
	return b
}

func (b *Map[K, V]) find(key K) (*shard[V], uint64) {
	hash := maphash.Comparable(b.seed, key)
	return &b.shards[hash%shards], hash
}

// Get returns the element at key.
func (b *Map[K, V]) Get(key K) (V, bool) {
	s, hash := b.find(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[hash]
	return v, ok
}

// Put adds an element, or replaces it.
func (b *Map[K, V]) Put(key K, v V) {
	s, hash := b.find(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.m[hash]; !ok && len(s.m) >= s.max {
		for other := range s.m {
			delete(s.m, other)
			break
		}
	}
	s.m[hash] = v
}

// Remove forgets the element at key.
func (b *Map[K, V]) Remove(key K) {
	s, hash := b.find(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, hash)
}

// Len returns the number of elements.
func (b *Map[K, V]) Len() (n int) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		n += len(s.m)
		s.mu.RUnlock()
	}
	return n
}
