package muslsafe

import (
	"time"

	"github.com/miekg/dns"
)

// choice is the step of a search that a client gets its addresses from. It is never modified.
type choice struct {
	name    string  // the first step, in lower case
	winner  string  // "" if the client is left to search by itself
	has     [2]bool // by half: whether the winner is known to have such records
	expires time.Time
}

// halfOf returns the index of a type, A or AAAA, in a pair.
func halfOf(qtype uint16) int {
	if qtype == dns.TypeAAAA {
		return 1
	}
	return 0
}

// ttl returns for how many seconds a choice still holds.
func (c *choice) ttl(now time.Time) uint32 { return uint32(c.expires.Sub(now) / time.Second) }

const (
	maxChoices = 10_000 // remembered in one server block
	minChoice  = 1      // seconds that a choice holds at the least, so that both halves of a pair meet the same
)

// choices remembers choices, for as long as the answers hold that they were made by. Its size is bounded: where it is
// full, an element makes room.
type choices struct{ cache *bounded[*choice] }

func newChoices() choices { return choices{newBounded[*choice](maxChoices)} }

func (cs *choices) get(name string, now time.Time) (c *choice, ok bool) {
	c, ok = cs.cache.get(cs.cache.hash(name))
	return c, ok && c.name == name && now.Before(c.expires)
}

func (cs *choices) put(c *choice) { cs.cache.put(cs.cache.hash(c.name), c) }

func (cs *choices) forget(c *choice) { cs.cache.remove(cs.cache.hash(c.name)) }
