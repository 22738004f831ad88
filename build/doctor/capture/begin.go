package capture

import "github.com/muslsafe/coredns-muslsafe/build/doctor/packets"

// lookup returns a new one.
func (t *tracker) lookup(k labelKey) *lookup {
	if t.open >= maxOpen {
		t.giveUp()
	}
	l := new(lookup)
	if n := len(t.freeLook); n > 0 {
		l, t.freeLook = t.freeLook[n-1], t.freeLook[:n-1]
	}
	*l = lookup{client: t.client(k.client), label: k.label, more: t.labels[k], steps: l.steps[:0]}
	t.labels[k] = l
	t.open++
	return l
}

// step adds a name to a lookup.
func (t *tracker) step(l *lookup, e *packets.Event, q query) *step {
	s := new(step)
	if n := len(t.freeStep); n > 0 {
		s, t.freeStep = t.freeStep[n-1], t.freeStep[:n-1]
	}
	*s = step{
		name: q.name, known: q.known, malformed: q.malformed, style: q.style, port: e.Client.Port(), begin: e.At, last: e.At, lookup: l,
		halves: s.halves[:0], data: s.data[:0], keys: s.keys[:0],
	}
	l.steps = append(l.steps, s)
	return s
}

// maxKept is how much memory of a step is used again: most replies are small. maxFree bounds the steps that wait for that.
const (
	maxKept = 2048
	maxFree = 8192
)

func (t *tracker) recycle(l *lookup) {
	for _, s := range l.steps {
		if cap(s.data) <= maxKept && len(t.freeStep) < maxFree {
			t.freeStep = append(t.freeStep, s)
		}
	}
	if len(t.freeLook) < maxFree {
		t.freeLook = append(t.freeLook, l)
	}
}
