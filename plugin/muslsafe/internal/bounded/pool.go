package bounded

import "sync"

// A Pool keeps up to its size of values for their next use. It is safe for concurrent use. (sync.Pool drops values at random
// under the race detector, so that no test could count allocations.)
type Pool[T any] struct {
	mu   sync.Mutex
	free []*T
}

// NewPool returns an empty pool for size values.
func NewPool[T any](size int) *Pool[T] { return &Pool[T]{free: make([]*T, 0, size)} }

// Take returns a value that was put back, or nil.
func (p *Pool[T]) Take() *T {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free) - 1
	if n < 0 {
		return nil
	}
	v := p.free[n]
	p.free[n], p.free = nil, p.free[:n]
	return v
}

// Put keeps a value, if there is room.
func (p *Pool[T]) Put(v *T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < cap(p.free) {
		p.free = append(p.free, v)
	}
}
