package lookup

import "time"

// waiter is what a client waits with. It is used again and again, so that the ordinary query makes no garbage; a
// lookup that lands late may wake the next user, who looks and finds nothing new.
type waiter struct {
	wake  chan struct{}
	timer *time.Timer

	own     *Lookup
	isFirst bool     // the client sent own, and did not join it
	late    func()   // answers the client if own takes long
	hasLate chan any // what that panicked with, or nil
	overTCP *Lookup  // that the client sent
}

func newWaiter() *waiter {
	return &waiter{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour), hasLate: make(chan any, 1)}
}

func (wt *waiter) clear() {
	wt.timer.Stop()
	wt.own, wt.isFirst, wt.late, wt.overTCP = nil, false, nil, nil
}

// answerLate has the client answered, and keeps a panic for its goroutine.
func (wt *waiter) answerLate() {
	defer func() { wt.hasLate <- recover() }()
	wt.late()
}

// waitLate waits until that is done.
func (wt *waiter) waitLate() {
	if cause := <-wt.hasLate; cause != nil {
		panic(cause)
	}
}
