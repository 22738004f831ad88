package capture

import "github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"

// consistent reports whether a model asks what was asked: the same names, over UDP as often, and over TCP where that was
// done.
func consistent(l *lookup, o outcome) bool {
	if o.Unknown != "" && !l.cut {
		return false
	}
	more := wouldAsk(o.Result)
	for _, s := range l.steps {
		for i := range s.halves {
			s.subtract(&s.halves[i], more)
		}
	}
	for q, n := range more {
		switch {
		case n == 0, n > 0 && l.cut: // it had no time to ask
		case n < 0 && q.Transport == stub.TCP: // nor does it matter how often
		default:
			return false
		}
	}
	return true
}

// wouldAsk counts the questions of a model. After an answer that does not fit its buffer glibc asks anew; that is another lookup
// here.
func wouldAsk(r stub.Result) map[stub.Query]int {
	asked := make(map[stub.Query]int)
	for _, s := range r.Steps {
		for _, p := range s.Packets {
			q := stub.Query{Name: s.Name, Type: p.Query.Type, Malformed: p.Query.Malformed, Transport: p.Query.Transport}
			if q.Transport == stub.TCP {
				asked[q] = 1
				continue
			}
			q.Server = p.Query.Server
			asked[q]++
		}
		if s.Outcome == stub.Found {
			break
		}
	}
	return asked
}

// subtract takes away what was asked for one half. A connection that was asked for stands for the question that should have
// gone over it.
func (s *step) subtract(h *half, more map[stub.Query]int) {
	stream := stub.Query{Name: s.name, Type: h.qtype, Malformed: s.malformed, Transport: stub.TCP}
	if s.connected {
		delete(more, stream)
	}
	for i := range h.tries {
		q := stream
		if t := &h.tries[i]; t.transport == stub.UDP {
			q.Transport, q.Server = stub.UDP, t.server
		} else if more[q] == 0 {
			continue
		}
		more[q]--
	}
}
