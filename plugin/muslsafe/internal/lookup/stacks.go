package lookup

import (
	"iter"
	"sync"
	"time"
)

// stacks are coroutines that are kept for their stacks. The stack of a new goroutine has to grow until it is as deep as the
// plugins need it, which takes a fifth of the processor (runtime.copystack). To switch to a coroutine and back costs a tenth of
// that, and a twentieth of what it costs to hand work to another goroutine and to wait for it.
type stacks struct {
	mu      sync.Mutex
	idle    []*stack // the last one worked last, so it is warm, and works next
	unused  int      // of idle, how many have not been needed since the last trim
	isTimed bool     // a trim will come
}

const (
	maxIdle = 256         // stacks are kept; as many as needed are in use at a time
	keepFor = time.Second // they are kept without work
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

// stack is a coroutine. It does a job each time that it is resumed.
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

// OnStack calls f, for this goroutine and on a stack that is kept: where a client has to wait, more is needed than a new
// goroutine has.
func OnStack(c *Client, f func()) { c.Asker.stacks.do(job{f: f}) }

// do does a job, for this goroutine and on a stack that is kept.
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

// trim ends the coroutines that have not been needed for a while.
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
