package docker

import (
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// A network of the examples: its gateway, where the resolver of the machine is in these tests, and the address of muslsafe.
const (
	gateway = "172.30.53.1"
	own     = "172.30.53.53"
)

// host returns a name that has an address, the first one of network n, and does something with AAAA.
func host(name string, n byte, aaaa upstream.Answer) upstream.Zone {
	return upstream.Zone{Name: name, Net: n, Host: true, AAAA: upstream.Behaviour{Answer: aaaa}}
}

// all answers both halves of all names in a zone alike.
func all(zone string, a upstream.Answer) upstream.Zone {
	return upstream.Zone{Name: zone, A: upstream.Behaviour{Answer: a}, AAAA: upstream.Behaviour{Answer: a}}
}

// router is the DNS of a router at home, with what such ones do to musl, and with two search domains that come by DHCP.
var router = &upstream.Script{Zones: []upstream.Zone{
	host("www.example.org.", 1, upstream.NoData),
	host("api.example.org.", 2, upstream.NXDomain),
	host("refused.example.org.", 3, upstream.Refused),
	host("servfail.example.org.", 4, upstream.ServFail),
	host("silent.example.org.", 5, upstream.Silence),
	{Name: "big.example.org.", Net: 6, Host: true, A: upstream.Behaviour{Count: 30, Links: 10, LinkSize: 60}, AAAA: upstream.Behaviour{Answer: upstream.NoData}},
	all("lan.", upstream.NoData),
	host("wiki.corp.example.com.", 7, upstream.NoData),
	host("db.eu.corp.example.com.", 8, upstream.NoData),
	{Name: upstream.LinkZone, Net: 9},
}}

// row is a name that containers look up.
type row struct {
	about, name string
	want        string          // what the outcome begins with
	breaks      func(libc) bool // where muslsafe is not asked
}

func nobody(libc) bool { return false }
func musl(l libc) bool { return l.isMusl() }
func old(l libc) bool  { return l.isOld() }

// rows are what a router does to a program that asks for names as they stand, as in a container on a network of its own.
var rows = []row{
	{"healthy", "www.example.org", "198.18.4.1", nobody},
	{"NXDOMAIN for AAAA", "api.example.org", "198.18.8.1", musl},
	{"REFUSED for AAAA", "refused.example.org", "198.18.12.1", musl},
	{"SERVFAIL for AAAA", "servfail.example.org", "198.18.16.1", musl},
	{"silence for AAAA", "silent.example.org", "198.18.20.1", musl},
	{"more than 512 bytes", "big.example.org", "198.18.24.", old}, // which of its addresses come first changes
}

// searches are those of a container with "ndots:1" and the search domains of the machine.
var searches = []row{
	{"a host in the second search domain", "wiki", "198.18.28.1", musl},
	{"a container", "dns", own, musl},
	{"as it stands", "www.example.org", "198.18.4.1", nobody},
}

// relative are those of a container with the search domains of the machine and the "ndots:0" that Docker writes: musl asks for the
// name as it stands, and glibc searches after that.
var relative = []row{
	{"relative to a search domain", "db.eu", "198.18.32.1", musl},
	{"as it stands", "www.example.org", "198.18.4.1", nobody},
	{"a container", "dns", own, nobody},
	{"absent", "nope.example.org", "EAI_NONAME", nobody},
}

// outcome is what a lookup came to.
type outcome struct {
	row
	libc libc
	got  string
}

// check looks all rows up with all libcs in a container, and compares what they find. Without muslsafe, a row must fail on the
// libcs that it breaks.
func check(t *testing.T, container string, rows []row, with bool) {
	t.Helper()
	var outcomes []outcome
	for _, r := range rows {
		for _, l := range libcs() {
			outcomes = append(outcomes, outcome{row: r, libc: l})
		}
	}
	indexes := make([]int, len(outcomes))
	for i := range indexes {
		indexes[i] = i
	}
	start := enter(t, container)
	lab.AtOnce(len(indexes), indexes, func(i int) { outcomes[i].got = outcomes[i].libc.look(start, outcomes[i].name) })
	for o := range slices.Values(outcomes) {
		if fails := !with && o.breaks(o.libc); fails == strings.HasPrefix(o.got, o.want) {
			t.Errorf("%s: %s, %s: %s; want %s: %v", o.libc.name, o.about, o.name, o.got, o.want, !fails)
		}
	}
}
