package stub_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// FuzzReply feeds all models with replies of any octets. None may panic, or end without a result.
func FuzzReply(f *testing.F) {
	for a := upstream.Data; a <= upstream.Garbage; a++ {
		for _, more := range []string{"", "-n40", "-n70-u", "-c8-l60-u"} {
			q := stub.Query{Name: a.String() + more + ".d1.test.", Type: dns.TypeA, Attempt: 1}
			udp := world.Exchange(q).Bytes
			q.Transport = stub.TCP
			f.Add(udp, world.Exchange(q).Bytes, uint16(0))
			f.Add(udp, world.Exchange(q).Bytes[:0], uint16(3000))
		}
	}
	f.Fuzz(func(t *testing.T, udp, tcp []byte, ms uint16) {
		ask := func(q stub.Query) stub.Reply {
			r := stub.Reply{Fate: stub.Answered, Bytes: udp, Delay: time.Duration(ms) * time.Millisecond}
			if q.Transport == stub.TCP {
				r.Bytes = tcp
			}
			return r
		}
		for _, m := range stub.Models() {
			for _, family := range []stub.Family{stub.Both, stub.V4, stub.V6} {
				r := lookupIn(t, m, twoDomains, family, "data", ask)
				if got := len(r.V4) + len(r.V6); (r.Err == stub.OK) != (got > 0) {
					t.Errorf("%s: %d addresses with %v", m.Name, got, r.Err)
				}
				if r.Elapsed < 0 || r.Elapsed > 10*time.Minute {
					t.Errorf("%s: takes %v", m.Name, r.Elapsed)
				}
			}
		}
	})
}
