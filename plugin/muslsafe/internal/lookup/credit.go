package lookup

import "sync/atomic"

// credit limits how many questions are repeated, so that a failing upstream does not get twice the queries: each answer earns a
// tenth of a query, up to a hundred queries.
type credit struct{ left atomic.Int64 } // in tenths of a query

const (
	maxCredit = 1000
	price     = 10
)

// earn adds the credit for an answer.
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
