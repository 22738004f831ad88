package muslsafe

import (
	"net"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/libc"
)

// countLibc counts the pair that a query completes, by the library that probably sent it. musl sends its queries over UDP
// and without EDNS, so no others are looked at.
func (q *query) countLibc() {
	if q.pairs == nil || !q.asksAddress() {
		return
	}
	from, ok := q.Writer.RemoteAddr().(*net.UDPAddr)
	if !ok || q.Query.IsEdns0() != nil {
		return
	}
	id := q.Query.Id
	first, ok := q.pairs.See(from.AddrPort(), q.Name, id, q.Qtype(), time.Now())
	if !ok {
		return
	}
	a, aaaa := id, first
	if q.Qtype() == dns.TypeAAAA {
		a, aaaa = aaaa, a
	}
	musl, other := q.counts.pairs()
	if libc.IsMusl(a, aaaa) {
		musl.Inc()
		return
	}
	other.Inc()
}
