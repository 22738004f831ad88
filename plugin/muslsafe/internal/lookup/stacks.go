package lookup

import (
	"iter"
	"sync"
	"time"
)

// stacks are coroutines that are kept for their stacks. The stack of a new goroutine has to grow to the depth that the plugins
// need, which takes a fifth of the processor (runtime.copystack). Switching to a coroutine and back costs a tenth of that, and a
// twentieth of handing work to another goroutine and waiting for it.
type stacks struct {
	mu      sync.Mutex
	idle    []*stack // the last one was used last, so it is warm and is used next
	unused  int      // how many of idle have not been used since the last trim
	isTimed bool     // a trim is scheduled
}

const (
	maxIdle = 256         // how many idle stacks are kept; there is no limit to those in use
	keepFor = time.Second // how long they are kept without work
)

// job is a lookup to be sent, or anything else.
type job struct {
	a    *Asker
	l    *Lookup
	send func(*Asker, *Lookup)
	f    func()
}

func (j *job) do() {
	if j.f != nil {
		j.f()
	} else {
		j.send(j.a, j.l)
	}
	*j = job{}
}

// stack is a coroutine. It does a job each time it is resumed.
type stack struct {
	job    job
	resume func() (struct{}, bool)
	end    func()
}

func newStack() *stack {
	s := new(stack)
	s.resume, s.end = iter.Pull(func(yield func(struct{}) bool) {
		for isMore := true; isMore; isMore = yield(struct{}{}) {
			s.job.do()
		}
	})
	return s
}

// OnStack calls f on a kept stack, and waits for it: a client that has to wait needs more stack than a new goroutine has.
func OnStack(c *Client, f func()) { c.Asker.stacks.do(job{f: f}) }

// do does a job on a kept stack, and waits for it.
func (ss *stacks) do(j job) {
	s := ss.take()
	if s == nil {
		s = newStack()
	}
	s.job = j
	s.resume()
	if !ss.keep(s) {
		s.end()
	}
}

func (ss *stacks) take() *stack {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	n := len(ss.idle) - 1
	if n < 0 {
		return nil
	}
	s := ss.idle[n]
	ss.idle = ss.idle[:n]
	ss.unused = min(ss.unused, n)
	return s
}

func (ss *stacks) keep(s *stack) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if len(ss.idle) >= maxIdle {
		return false
	}
	ss.idle = append(ss.idle, s)
	if !ss.isTimed {
		ss.isTimed = true
		time.AfterFunc(keepFor, ss.trim)
	}
	return true
}

// trim ends the coroutines that have not been used for a while.
func (ss *stacks) trim() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, s := range ss.idle[:ss.unused] {
		s.end()
	}
	ss.idle = append(ss.idle[:0], ss.idle[ss.unused:]...)
	ss.unused = len(ss.idle)
	if ss.isTimed = len(ss.idle) > 0; ss.isTimed {
		time.AfterFunc(keepFor, ss.trim)
	}
}
