package lookup

import "sync/atomic"

// credit bounds how many questions are asked again, so that an upstream that fails is not asked twice as often as one that
// works: each answer earns a tenth of a query, up to a hundred queries.
type credit struct{ left atomic.Int64 } // in tenths of a query

const (
	maxCredit = 1000
	price     = 10
)

// earn takes note of an answer.
func (c *credit) earn() {
	if c.left.Load() < maxCredit {
		c.left.Add(1)
	}
}

// take reports whether there is credit for one more query, and spends it.
func (c *credit) take() bool {
	for {
		left := c.left.Load()
		if left < price {
			return false
		}
		if c.left.CompareAndSwap(left, left-price) {
			return true
		}
	}
}
