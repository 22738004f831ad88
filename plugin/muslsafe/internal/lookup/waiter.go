package lookup

import "time"

// waiter is what a client waits with. It is reused, so that an ordinary query makes no garbage. A lookup that lands late may wake
// the next user, who then finds nothing new.
type waiter struct {
	wake  chan struct{}
	timer *time.Timer

	own     *Lookup
	isFirst bool     // the client sent own and did not join it
	late    func()   // answers the client if own takes too long
	hasLate chan any // gets the panic of late, or nil, when late returns
	overTCP *Lookup  // the lookup over TCP that the client sent
}

func newWaiter() *waiter {
	return &waiter{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour), hasLate: make(chan any, 1)}
}

func (wt *waiter) clear() {
	wt.timer.Stop()
	wt.own, wt.isFirst, wt.late, wt.overTCP = nil, false, nil, nil
}

// answerLate calls late, and keeps a panic for the client's goroutine.
func (wt *waiter) answerLate() {
	defer func() { wt.hasLate <- recover() }()
	wt.late()
}

// waitLate waits until answerLate is done.
func (wt *waiter) waitLate() {
	if cause := <-wt.hasLate; cause != nil {
		panic(cause)
	}
}
