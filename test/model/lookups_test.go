package model

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// The servers, all with the same zones. Nobody listens at silentServer.
const (
	mainServer   = "127.0.0.1"
	noTCPServer  = "127.0.0.2"
	slowServer   = "127.0.0.3" // data for every name, after 0.3 s
	dotServer    = "127.0.0.4" // NXDOMAIN for what it cannot read
	silentServer = "127.0.0.5"
)

// scripts returns what the servers do: d1.test is scripted by the name, d2.test has data for every name.
func scripts() upstream.Scripts {
	zones := []upstream.Zone{
		{Name: "d1.test.", Net: 1, Scripted: true},
		{Name: "d2.test.", Net: 2},
		{Name: "plain.test.", Net: 3, Scripted: true},
		{Name: "servfail.test.", A: upstream.Behaviour{Answer: upstream.ServFail}, AAAA: upstream.Behaviour{Answer: upstream.ServFail}},
		{Name: "refused.test.", A: upstream.Behaviour{Answer: upstream.Refused}, AAAA: upstream.Behaviour{Answer: upstream.Refused}},
		{Name: "nodata.test.", A: upstream.Behaviour{Answer: upstream.NoData}, AAAA: upstream.Behaviour{Answer: upstream.NoData}},
		{Name: upstream.LinkZone, Net: 4},
	}
	slow, _ := upstream.Parse("data-d300")
	return upstream.Scripts{
		netip.MustParseAddr(mainServer):  {Zones: zones},
		netip.MustParseAddr(noTCPServer): {Zones: zones, NoTCP: true},
		netip.MustParseAddr(slowServer):  {Zones: []upstream.Zone{{Name: "test.", Net: 5, A: slow, AAAA: slow}}},
		netip.MustParseAddr(dotServer):   {Zones: zones, Malformed: 3},
	}
}

// A lookup is one row of the comparison. TAG in its name is replaced by a label that no other lookup has, so
// that each can be told apart at the server.
type lookup struct {
	group  string
	conf   string // resolv.conf
	family stub.Family
	name   string
}

func (l lookup) String() string { return fmt.Sprintf("%s: %s (family %d)", l.group, l.name, l.family) }

// conf returns a resolv.conf with the main server.
func conf(lines ...string) string {
	return "nameserver " + mainServer + "\n" + strings.Join(lines, "\n") + "\n"
}

var (
	twoDomains = conf("search d1.test d2.test", "options ndots:5")
	noSearch   = conf("search d2.test", "options ndots:1")
)

// table is the rows of the comparison.
type table []lookup

// add adds a row for each name.
func (tb *table) add(group, conf string, family stub.Family, names ...string) {
	for _, n := range names {
		*tb = append(*tb, lookup{group, conf, family, n})
	}
}

// lookups returns the whole comparison.
func lookups() []lookup {
	var tb table
	tb.addPairs()
	tb.addAnswers()
	tb.addConfigurations()
	return slices.Concat(tb, mangledLookups(mangledCount), randomLookups(randomCount, randomSeed))
}

// addPairs has what most servers say, to both halves and to one alone.
func (tb *table) addPairs() {
	tb.add("matrix", twoDomains, stub.Both, pairs(upstream.Pairable())...)
	tb.add("absolute", noSearch, stub.Both, suffixed(pairs(someAnswers), ".plain.test")...)
	tb.add("final dot", twoDomains, stub.Both, suffixed(pairs(someAnswers[:3]), ".plain.test.")...)
	for _, a := range upstream.Pairable() {
		tb.add("single", twoDomains, stub.V4, a.String()+".data.TAG")
		tb.add("single", twoDomains, stub.V6, "data."+a.String()+".TAG")
	}
	tb.add("single", noSearch, stub.V4, "nodata.data.TAG.plain.test", "nxdomain.data.TAG.plain.test.", "servfail.data.TAG.plain.test.")
	tb.add("single", noSearch, stub.V6, "data.cnameonly.TAG.plain.test", "data.refused.TAG.plain.test.")
}

// addAnswers has answers that are large, late, odd or not there.
func (tb *table) addAnswers() {
	tb.add("large", noSearch, stub.Both, suffixed(large, ".plain.test")...)
	tb.add("large", noSearch, stub.V4, "data-n80.data.TAG.plain.test", "data-n82.data.TAG.plain.test", "data-n200.data.TAG.plain.test")
	tb.add("large", noSearch, stub.V6, "data.data-n40.TAG.plain.test", "data.data-n41.TAG.plain.test", "data.data-n39-c2-l60.TAG.plain.test")
	tb.add("cut", noSearch, stub.Both, suffixed(cut, ".plain.test")...)
	tb.add("cut", noSearch, stub.V4, "cut.data.TAG.plain.test")
	tb.add("cut", noSearch, stub.V6, "data.cut.TAG.plain.test")
	tb.add("failures", noSearch, stub.Both, suffixed(failures, ".plain.test.")...)
	tb.add("late", noSearch, stub.Both, suffixed(late, ".plain.test.")...)
	tb.add("tcp", noSearch, stub.Both, suffixed(streams, ".plain.test.")...)
	tb.add("tcp", twoDomains, stub.Both, "tcempty-xclose-d50.tcempty-xclose-d50.TAG", "nxdomain.tcempty-xclose.TAG")
	tb.add("odd", twoDomains, stub.Both, oddPairs()...)
	tb.add("odd", twoDomains, stub.V4, "otherowner.data.TAG", "otherowner-c1.data.TAG", "oddfirst.data.TAG", "badsize.data.TAG", "cnameonly.data.TAG", "garbage.data.TAG", "nxdata.data.TAG")
	tb.add("odd", twoDomains, stub.V6, "data.otherowner.TAG", "data.otherowner-c1.TAG", "data.oddfirst.TAG", "data.cnameonly.TAG", "data.garbage.TAG", "data.badsize.TAG")
	for _, f := range []stub.Family{stub.V4, stub.V6} {
		tb.add("tcp", noSearch, f, suffixed(singleStreams, ".plain.test.")...)
	}
}

// addConfigurations has what can be said in a resolv.conf.
func (tb *table) addConfigurations() {
	for _, f := range []stub.Family{stub.V4, stub.V6} {
		for _, c := range singles {
			tb.add("resolv.conf", c.conf, f, c.names...)
		}
	}
	for _, c := range configured {
		tb.add("resolv.conf", c.conf, c.family, c.names...)
	}
}

// pairs returns a name for each pair of answers for A and AAAA.
func pairs(answers []upstream.Answer) (names []string) {
	for _, a := range answers {
		for _, aaaa := range answers {
			names = append(names, fmt.Sprintf("%v.%v.TAG", a, aaaa))
		}
	}
	return names
}

// oddPairs puts each unusual answer beside data, in both families.
func oddPairs() (names []string) {
	for a := upstream.CNAMEOnly; a <= upstream.Garbage; a++ {
		if a == upstream.Cut || a == upstream.Mangled {
			continue
		}
		names = append(names, fmt.Sprintf("%v.data.TAG", a), fmt.Sprintf("data.%v.TAG", a), fmt.Sprintf("%v.%v.TAG", a, a))
	}
	return append(names, "nxdomain.cnameonly.TAG", "nxdomain.cnameonly-l40.TAG", "nodata.cnameonly.TAG")
}

func suffixed(names []string, suffix string) (out []string) {
	for _, n := range names {
		if !strings.Contains(n, "TAG") {
			n += ".TAG"
		}
		out = append(out, n+suffix)
	}
	return out
}

// padded returns line with its length made up to size octets by spaces.
func padded(line string, size int) string { return line + strings.Repeat(" ", size-len(line)) }

// long returns a name of the given length.
func long(size int) string {
	name := strings.Repeat(strings.Repeat("x", 9)+".", size/10+1)[:size]
	return strings.TrimSuffix(name, ".") + strings.Repeat("x", len(name)-len(strings.TrimSuffix(name, ".")))
}
