package muslsafe

import (
	"sync/atomic"
	"time"
)

const (
	maxIdle = 64              // goroutines that wait for work; those beyond end when they are done
	idleFor = 2 * time.Second // how long one waits
)

// crew lets flights fly, each in a goroutine that waits for the next one when it is done. To start one for each flight
// would be simpler and much dearer: its stack has to grow to what a chain of plugins needs, each time anew.
type crew struct {
	work  chan *flight // unbuffered: who sends knows that somebody takes
	idle  atomic.Int32
	serve func(*flight)
}

func newCrew(serve func(*flight)) *crew { return &crew{work: make(chan *flight), serve: serve} }

// launch lets f fly.
func (c *crew) launch(f *flight) {
	select {
	case c.work <- f:
	default:
		go c.run(f)
	}
}

// run lets f fly, and after it what comes as long as something does.
func (c *crew) run(f *flight) {
	timer := time.NewTimer(idleFor)
	defer timer.Stop()
	for {
		c.serve(f)
		f = nil // nobody keeps it
		if c.idle.Add(1) > maxIdle {
			c.idle.Add(-1)
			return
		}
		timer.Reset(idleFor)
		select {
		case f = <-c.work:
			c.idle.Add(-1)
		case <-timer.C:
			c.idle.Add(-1)
			return
		}
	}
}
