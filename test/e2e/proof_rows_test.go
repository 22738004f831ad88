package e2e

import "time"

// What comes out of rows below, by libc. db.corp.example.org stands first in the search list; where it exists, every other
// address is wrong.
var (
	right = each{musl: "corp", glibc: "corp"}
	other = each{musl: "com", glibc: "com"} // there is none in the first domain
	fail  = each{musl: "EAI_AGAIN", glibc: "EAI_AGAIN"}

	// glibc goes on to the next domain after a failure, whatever a server says.
	failOn  = each{musl: "EAI_AGAIN", glibc: "com"}
	rightOn = each{musl: "corp", glibc: "com"}
	absent  = each{musl: "EAI_AGAIN", glibc: "EAI_NONAME"} // or to the end of the list
)

const (
	fast   = 1500 * time.Millisecond // what needs no more than 0.5 s, on a busy machine
	after1 = 2300 * time.Millisecond // what comes after 1.3 s
	after2 = 3500 * time.Millisecond // what comes after two seconds
)

var proofs = []proof{
	// Slow is not absent, and a failure is asked again before it is believed.
	{about: "0.6 s", corp: "data-d600", com: "data", stock: right, safe: right, within: fast, both: true},
	{about: "1.3 s", corp: "data-d1300", com: "data", stock: right, safe: right, within: after1, both: true},
	{about: "2.2 s", corp: "data-d2200-once", com: "data", stock: right, safe: right, within: after2, both: true},
	{about: "1.3 s for A", corp: "data-d1300 data", com: "data", stock: right, safe: right, within: after1},
	{about: "1.3 s for AAAA", corp: "data data-d1300", com: "data", stock: right, safe: right, within: after1},
	{about: "1.3 s for A, no AAAA", corp: "data-d1300 nodata", com: "data", stock: right, safe: right, within: after1},
	{about: "2.2 s for A, no AAAA", corp: "data-d2200-once nodata", com: "data", stock: right, safe: right, within: after2},
	{about: "1.3 s for A, NXDOMAIN for AAAA", corp: "data-d1300 nxdomain", com: "data", stock: each{"com", "corp"}, safe: right, within: after1},
	{about: "first packets lost", corp: "data-f1silence", com: "data", stock: right, safe: right, within: fast, both: true},
	{about: "SERVFAIL once", corp: "data-f1servfail", com: "data", stock: right, safe: right, within: fast, both: true},
	{about: "SERVFAIL once for A, no AAAA", corp: "data-f1servfail nodata", com: "data", stock: rightOn, safe: right, within: fast},
	{about: "SERVFAIL once for A, NXDOMAIN for AAAA", corp: "data-f1servfail nxdomain", com: "data", stock: other, safe: right, within: fast},
	{about: "SERVFAIL twice", corp: "data-f2servfail", com: "data", stock: rightOn, safe: all("corp or EAI_AGAIN"), within: fast},
	{about: "SERVFAIL for good", corp: "servfail", com: "data", stock: failOn, safe: failOn, within: fast},
	{about: "SERVFAIL for good for A, NXDOMAIN for AAAA", corp: "servfail nxdomain", com: "data", stock: failOn, safe: failOn, within: fast},
	{about: "silent for good", corp: "silence", com: "data", stock: each{"EAI_AGAIN", "com or EAI_AGAIN"}, safe: each{"EAI_AGAIN", "com or EAI_AGAIN"}, within: 17 * time.Second},

	// The same where it is not the name, but its whole domain.
	{about: "whole domain 1.3 s", domain: "nxdomain-d1300", corp: "data-d1300", com: "data", stock: right, safe: right, within: after1, both: true},
	{about: "whole domain 2.2 s", domain: "nxdomain-d2200-once", corp: "data-d2200-once", com: "data", stock: right, safe: right, within: after2, both: true},
	{about: "whole domain silent for 2 s", outage: 2 * time.Second, age: 5 * time.Second, corp: "data", com: "data", stock: right, safe: right, within: after2},
	{about: "whole domain silent for good", age: 5 * time.Second, domain: "silence", com: "data", stock: each{"EAI_AGAIN", "com or EAI_AGAIN"}, safe: other, within: after1},
	{about: "whole domain refused", domain: "refused", com: "data", stock: each{"EAI_AGAIN", "com or EAI_NONAME"}, safe: other, within: fast},

	// Nobody goes on from a name with a final dot, nor with a search list of one domain. So a failure must not be denied.
	{about: "final dot: 1.3 s", asked: "db.corp.example.org.", corp: "data-d1300", com: "data", stock: right, safe: right, within: after1, both: true},
	{about: "final dot: SERVFAIL once", asked: "db.corp.example.org.", corp: "data-f1servfail", com: "data", stock: right, safe: right, within: fast, both: true},
	{about: "final dot: SERVFAIL for good", asked: "db.corp.example.org.", corp: "servfail", com: "data", stock: fail, safe: fail},
	{about: "final dot: REFUSED for good", asked: "db.corp.example.org.", corp: "refused", com: "data", stock: fail, safe: fail},
	{about: "final dot: silent for good", asked: "db.corp.example.org.", corp: "silence", com: "data", stock: fail, safe: fail},
	{about: "one domain: 1.3 s", search: "corp.example.org", corp: "data-d1300", com: "data", stock: right, safe: right, within: after1, both: true},
	{about: "one domain: SERVFAIL once", search: "corp.example.org", corp: "data-f1servfail", com: "data", stock: right, safe: right, within: fast, both: true},
	{about: "one domain: SERVFAIL for good", search: "corp.example.org", corp: "servfail", com: "data", stock: fail, safe: fail},
	{about: "one domain: REFUSED for good", search: "corp.example.org", corp: "refused", com: "data", stock: absent, safe: absent},
	{about: "one domain: silent for good", search: "corp.example.org", corp: "silence", com: "data", stock: fail, safe: fail},

	// Who asks for one family alone has no use for the addresses of the other one.
	{about: "A alone: 1.3 s", family: "4", corp: "data-d1300 data", com: "data", stock: right, safe: right, within: after1},
	{about: "A alone: first packet lost", family: "4", corp: "data-f1silence data", com: "data", stock: right, safe: right, within: fast},
	{about: "A alone: SERVFAIL once", family: "4", corp: "data-f1servfail data", com: "data", stock: right, safe: right, within: fast},
	{about: "A alone: SERVFAIL for good", family: "4", asked: "db.corp.example.org.", corp: "servfail data", stock: fail, safe: fail},
	{about: "A alone: SERVFAIL for good, host ahead", family: "4", corp: "servfail data", com: "data", stock: failOn, safe: failOn, within: fast},
	{about: "A alone: silent for good", family: "4", asked: "db.corp.example.org.", corp: "silence data", stock: fail, safe: fail},
	{about: "AAAA alone: 1.3 s", family: "6", corp: "data data-d1300", com: "data", stock: right, safe: right, within: after1},
	{about: "AAAA alone: first packet lost", family: "6", corp: "data data-f1silence", com: "data", stock: right, safe: right, within: fast},
	{about: "AAAA alone: SERVFAIL once", family: "6", corp: "data data-f1servfail", com: "data", stock: right, safe: right, within: fast},
	{about: "AAAA alone: SERVFAIL for good", family: "6", asked: "db.corp.example.org.", corp: "data servfail", stock: fail, safe: fail},
	{about: "AAAA alone: SERVFAIL for good, host ahead", family: "6", corp: "data servfail", com: "data", stock: failOn, safe: failOn, within: fast},
	{about: "AAAA alone: silent for good", family: "6", asked: "db.corp.example.org.", corp: "data silence", stock: fail, safe: fail},

	// What glibc asks as it stands before it searches, and musl does not search at all. Its A says NXDOMAIN with an alias.
	{about: "dangling alias", name: "web.prod", ndots: 1, bare: "nxdomain-c1 nodata", corp: "data", stock: each{"EAI_NONAME", "corp"}, safe: each{"EAI_NONAME", "corp"}, within: fast},

	// A name with an underscore label is no host, but it is searched for like one.
	{about: "underscore", name: "a._x", corp: "nxdomain nodata", com: "data", stock: other, safe: other, within: fast},
}
