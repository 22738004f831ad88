package lookup

import (
	"sync"
	"time"
)

// workers are goroutines that are kept, as the stack of a new one has to grow each time until it is as deep as the plugins
// need it: runtime.newstack would take a fifth of the processor.
type workers struct {
	mu      sync.Mutex
	idle    []chan job // the last one worked last, so its stack is warm, and works next
	unused  int        // of idle, how many have not been needed since the last trim
	isTimed bool       // a trim will come
}

const (
	maxIdle = 256         // goroutines are kept; as many as needed run at a time
	keepFor = time.Second // they are kept without work
)

// job is a lookup to be sent.
type job struct {
	a   *Asker
	l   *Lookup
	run func(*Asker, *Lookup)
}

// do runs a job in a goroutine that is idle, or in a new one.
func (ws *workers) do(j job) {
	if jobs := ws.take(); jobs != nil {
		jobs <- j
		return
	}
	go ws.work(j)
}

func (ws *workers) take() chan job {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	n := len(ws.idle) - 1
	if n < 0 {
		return nil
	}
	jobs := ws.idle[n]
	ws.idle = ws.idle[:n]
	ws.unused = min(ws.unused, n)
	return jobs
}

// work runs jobs until the goroutine is needed no more.
func (ws *workers) work(j job) {
	jobs := make(chan job, 1)
	for isMore := true; isMore; {
		j.run(j.a, j.l)
		if !ws.keep(jobs) {
			return
		}
		j, isMore = <-jobs
	}
}

func (ws *workers) keep(jobs chan job) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.idle) >= maxIdle {
		return false
	}
	ws.idle = append(ws.idle, jobs)
	if !ws.isTimed {
		ws.isTimed = true
		time.AfterFunc(keepFor, ws.trim)
	}
	return true
}

// trim ends the goroutines that have not been needed for a while.
func (ws *workers) trim() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, jobs := range ws.idle[:ws.unused] {
		close(jobs)
	}
	ws.idle = append(ws.idle[:0], ws.idle[ws.unused:]...)
	ws.unused = len(ws.idle)
	if ws.isTimed = len(ws.idle) > 0; ws.isTimed {
		time.AfterFunc(keepFor, ws.trim)
	}
}
