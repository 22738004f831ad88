package capture

import (
	"math"

	"github.com/miekg/dns"
)

// evidence is what the traffic of one client, in one style, tells of its resolver.
//
// musl takes the IDs of a pair from the clock, one right after the other, so that the second is a little more than the
// first: 92 to 1486 in all of 1222 pairs that were measured. From 1.2.4 on it adds 256 where their upper octets would be
// equal. The others draw lots.
type evidence struct {
	pairs     int64 // of A and AAAA from one socket
	near      int64 // pairs with IDs close to each other
	equalHigh int64 // near pairs with the same upper octet
	spread    float64
	apart     int64 // pairs from two sockets
	reversed  int64 // AAAA first
	kept      int64 // steps of a search from the socket of the step before
	moved     int64 // or from another one
	replayed  int64
	wrong     [5]int64 // of the replayed, those that the model would have asked in another way
}

// nearby is the largest distance of two IDs that musl takes from its clock, on a slow machine.
const nearby = 4096

// add takes what one lookup tells. near reports whether its pairs look like those of musl.
func (e *evidence) add(l *lookup) (near bool) {
	for i, s := range l.steps {
		if i > 0 && s.port == l.steps[i-1].port {
			e.kept++
		} else if i > 0 {
			e.moved++
		}
		if len(s.halves) != 2 {
			continue
		}
		a, b := &s.halves[0], &s.halves[1]
		if a.qtype == dns.TypeAAAA {
			e.reversed++
		}
		if a.tries[0].port != b.tries[0].port {
			e.apart++
			continue
		}
		near = e.pair(a.id, b.id) || near
	}
	return near
}

// pair takes the IDs of a pair, in the order of sending.
func (e *evidence) pair(first, second uint16) bool {
	e.pairs++
	distance := second - first
	if distance >= nearby {
		return false
	}
	e.near++
	switch {
	case first>>8 == second>>8:
		e.equalHigh++
	case distance < 256:
		e.spread += math.Log(max(float64(distance), 1) / 256) // before 1.2.4, most of these would be equal
	}
	return true
}

// How likely things are, as natural logarithms.
var (
	muslNear, muslFar     = math.Log(0.98), math.Log(0.02)
	lotsNear, lotsFar     = math.Log(nearby / 65536.0), math.Log(1 - nearby/65536.0)
	oldEqual, newEqual    = math.Log(0.5), math.Log(0.004)
	askedOtherwise        = math.Log(0.03) // packets get lost, also for the capture
	caresSeldom           = math.Log(0.1)
	caresKeeps, libcKeeps = math.Log(0.95), math.Log(0.01)
	caresMoves            = math.Log(0.05)
)

// cares is the place of c-ares behind the models.
const cares = 5

// likelihoods returns how well each model, and c-ares behind them, explains the evidence.
func (e *evidence) likelihoods() (all [cares + 1]float64) {
	far := float64(e.pairs - e.near)
	for i, m := range models {
		l := float64(e.kept)*libcKeeps + float64(e.wrong[i])*askedOtherwise
		switch {
		case !isMusl(m):
			l += float64(e.near)*lotsNear + far*lotsFar
		case i < 2: // up to 1.2.3
			l += float64(e.near)*muslNear + far*muslFar + float64(e.equalHigh)*oldEqual + e.spread
		default:
			l += float64(e.near)*muslNear + far*muslFar + float64(e.equalHigh)*newEqual
		}
		all[i] = l
	}
	all[cares] = caresSeldom + float64(e.near)*lotsNear + far*lotsFar + float64(e.kept)*caresKeeps + float64(e.moved)*caresMoves
	return all
}
