package lookup

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// goroutine returns the number of this goroutine.
func goroutine() string {
	buf := make([]byte, 64)
	return strings.Fields(string(buf[:runtime.Stack(buf, false)]))[1]
}

// do runs f.
func do(ss *stacks, f func()) { ss.do(job{send: func(*Asker, *Lookup) { f() }}) }

// count returns how many are idle.
func (ss *stacks) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.idle)
}

// TestStacksAreReused runs one job after the other: all of them in one coroutine.
func TestStacksAreReused(t *testing.T) {
	inVirtualTime(t, "one after the other", func(t *testing.T) {
		var ss stacks
		ids := make(chan string, 1)
		do(&ss, func() { ids <- goroutine() })
		first := <-ids
		for range 100 {
			synctest.Wait()
			do(&ss, func() { ids <- goroutine() })
			if id := <-ids; id != first {
				t.Errorf("run in coroutine %s; want %s", id, first)
			}
			time.Sleep(keepFor / 10)
		}
		synctest.Wait()
		if n := ss.count(); n != 1 {
			t.Errorf("%d are idle; want one", n)
		}
	})
}

// TestStacksAreBounded runs more jobs at a time than stacks are kept, none of which waits for another. Goroutines that
// never end would fail it at its own end, too.
func TestStacksAreBounded(t *testing.T) {
	inVirtualTime(t, "at a time", func(t *testing.T) {
		const n = maxIdle + 50
		before := runtime.NumGoroutine()
		var ss stacks
		var running atomic.Int64
		end := make(chan struct{})
		for range n {
			go do(&ss, func() { running.Add(1); <-end })
		}
		synctest.Wait()
		if got := running.Load(); got != n || ss.count() != 0 {
			t.Errorf("%d are running, %d are idle; want %d and none", got, ss.count(), n)
		}
		close(end)
		synctest.Wait()
		if got := ss.count(); got != maxIdle {
			t.Errorf("%d are idle; want %d", got, maxIdle)
		}
		time.Sleep(2*keepFor + 1)
		synctest.Wait()
		if got, left := ss.count(), runtime.NumGoroutine(); got != 0 || left > before+10 { // some may be ending
			t.Errorf("after a while without work, %d are idle, and there are %d goroutines; want none, and about %d as before", got, left, before)
		}
		done := make(chan struct{})
		do(&ss, func() { close(done) })
		<-done
	})
}

// TestStacksThatAreNeededStay has ten stacks, of which two find work all the time.
func TestStacksThatAreNeededStay(t *testing.T) {
	inVirtualTime(t, "two of ten", func(t *testing.T) {
		var ss stacks
		run := func(n int) {
			for range n {
				go do(&ss, func() { time.Sleep(time.Millisecond) })
			}
			time.Sleep(keepFor / 20)
		}
		run(10)
		if n := ss.count(); n != 10 {
			t.Errorf("%d are idle; want ten", n)
		}
		for range 60 {
			run(2)
		}
		if n := ss.count(); n != 2 {
			t.Errorf("%d are idle; want the two that are needed", n)
		}
	})
}

// TestStacksUnderLoad runs many jobs from many goroutines, each once.
func TestStacksUnderLoad(t *testing.T) {
	const senders, each = 16, 2000
	inVirtualTime(t, "many", func(t *testing.T) {
		var ss stacks
		var sent, run sync.WaitGroup
		var n atomic.Int64
		for range senders {
			sent.Go(func() {
				for range each {
					run.Add(1)
					do(&ss, func() { n.Add(1); run.Done() })
				}
			})
		}
		sent.Wait()
		run.Wait()
		if n.Load() != senders*each {
			t.Errorf("%d jobs were run; want %d", n.Load(), senders*each)
		}
	})
}
