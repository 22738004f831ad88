package stub

import (
	"slices"
	"time"
)

// A letter is a reply on its way to the libc.
type letter struct {
	at       time.Duration
	packet   int // place in the step
	question int // place among the step's questions
	query    Query
	reply    Reply
}

// rcode returns the return code in the header of a message that is long enough to have one.
func (m letter) rcode() int { return int(m.reply.Bytes[3] & 15) }

// truncated reports whether the TC bit is set.
func (m letter) truncated() bool { return m.reply.Bytes[2]&2 != 0 }

// A mailbox holds letters in the order of arrival; those that arrive together, in the order of sending.
type mailbox []letter

// put adds what came of a packet. Silence is never delivered.
func (m *mailbox) put(l letter) {
	if l.reply.Fate == Silent {
		return
	}
	l.at = l.query.At + max(l.reply.Delay, 0)
	i, _ := slices.BinarySearchFunc(*m, l.at, func(x letter, at time.Duration) int {
		if x.at <= at {
			return -1
		}
		return 1
	})
	*m = slices.Insert(*m, i, l)
}

// next takes out the first letter that arrives up to the given time.
func (m *mailbox) next(until time.Duration) (letter, bool) {
	if len(*m) == 0 || (*m)[0].at > until {
		return letter{}, false
	}
	l := (*m)[0]
	*m = (*m)[1:]
	return l, true
}

// post sends one question of a step and puts the reply on its way.
func (l *lookup) post(m *mailbox, q Query, question int) {
	packet, reply := l.send(q)
	q.At = l.now
	m.put(letter{packet: packet, question: question, query: q, reply: reply})
}

// answerCount returns the header's number of answer records, of a message of 12 octets or more.
func answerCount(msg []byte) int { return int(msg[6])<<8 | int(msg[7]) }
