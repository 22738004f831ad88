// Package capture records lookups of real libcs, and compares what doctor makes of the packets with what getaddrinfo returned.
package capture

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const (
	// slack is how much a real lookup may differ from the prediction: this machine may be busy.
	slack = 1200 * time.Millisecond

	atOnce = 40
)

// script answers as names say, in a search domain and written out.
var script = &upstream.Script{Zones: []upstream.Zone{
	{Name: "d1.test.", Net: 1, Scripted: true},
	{Name: "d2.test.", Net: 2},
	{Name: "plain.test.", Net: 3, Scripted: true},
	{Name: upstream.LinkZone, Net: 4},
	absent("local.dnscheck.svc.cluster.local."), absent("org.dnscheck.svc.cluster.local."), absent("test.dnscheck.svc.cluster.local."),
	{Name: "dnscheck.svc.cluster.local.", Net: 5},
	{Name: "nodata.example.com.", A: upstream.Behaviour{Answer: upstream.NoData}, AAAA: upstream.Behaviour{Answer: upstream.NoData}},
	{Name: "servfail.example.com.", A: upstream.Behaviour{Answer: upstream.ServFail}, AAAA: upstream.Behaviour{Answer: upstream.ServFail}},
	{Name: "wild.example.com.", Net: 6},
}}

// cell is one lookup of one libc.
type cell struct {
	libc   lab.Libc
	jail   *lab.Jail
	client netip.Addr
	tag    string
	name   string
	got    lab.Answer
	err    error
}

// pairs are the names of the search domain: each pair of answers, and what is odd in time or size.
func pairs() (names []string) {
	for _, a := range upstream.Pairable() {
		for _, aaaa := range upstream.Pairable() {
			names = append(names, fmt.Sprintf("%v.%v.TAG", a, aaaa))
		}
	}
	return append(names, large...)
}

var large = []string{
	"data-n40.nodata.TAG", "data-n63.nodata.TAG", "data-n64.nodata.TAG", "data-n5.data-n60.TAG", "data-c11-l60.nodata.TAG",
	"tcempty-xclose.data.TAG", "tcempty-xservfail.data.TAG", "data.tcempty-xreset.TAG", "data-d700.data.TAG", "data.nodata-d900.TAG", "data.data-d2900.TAG",
	"data-f1silence.data.TAG", "data-f1servfail.data.TAG", "data-f5servfail.data.TAG", "data-f1refused.data.TAG",
	"nxdomain.nxdomain.TAG.plain.test.", "nodata.nodata.TAG.plain.test.", "data.nxdomain.TAG.plain.test.", "data.servfail.TAG.plain.test.",
	"servfail.servfail.TAG.plain.test.", "silence.silence.TAG.plain.test.", "silence.data.TAG.plain.test.", "tcempty.nodata.TAG.plain.test.",
}

// absent is a zone without names: in the zone of a namespace, services have one label.
func absent(name string) upstream.Zone {
	nothing := upstream.Behaviour{Answer: upstream.NXDomain}
	return upstream.Zone{Name: name, A: nothing, AAAA: nothing}
}

// nodes are search domains of nodes, behind those of a pod.
var nodes = []string{"nodata.example.com", "servfail.example.com", "wild.example.com"}

const podSearch = "search dnscheck.svc.cluster.local svc.cluster.local cluster.local "

// place is where lookups of one libc come from: an address of its own, which is that of the server too.
type place struct {
	libc   lab.Libc
	jail   *lab.Jail
	client netip.Addr
	id     string // in tags
}

// newPlace starts a server at the nth address, which is the client's as well, since the lab is one machine.
func newPlace(t *testing.T, libc lab.Libc, n int, search string) place {
	t.Helper()
	client := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + n)})
	upstream.Start(t, netip.AddrPortFrom(client, 53).String(), script)
	jail := lab.NewJail(t, fmt.Sprintf("nameserver %s\n%s\noptions ndots:5\n", client, search))
	return place{libc, jail, client, fmt.Sprintf("p%d", n)}
}

// cells returns a lookup of each name.
func (p place) cells(kind string, names ...string) (all []*cell) {
	for k, name := range names {
		tag := fmt.Sprintf("%s%d%s", kind, k, p.id)
		all = append(all, &cell{libc: p.libc, jail: p.jail, client: p.client, tag: tag, name: strings.Replace(name, "TAG", tag, 1)})
	}
	return all
}

// TestPredictions requires that what doctor says of each lookup is what the libc returned, and that it names the libc.
func TestPredictions(t *testing.T) {
	lab.Require(t)
	var cells, first, last []*cell
	n := 0
	for _, libc := range lab.Libcs(t) {
		n++
		p := newPlace(t, libc, n, "search d1.test d2.test")
		first = append(first, p.cells("w", "nxdomain.nxdomain.TAG", "nxdomain.nxdomain.TAG")...) // two searches show this search list
		cells = append(cells, p.cells("t", pairs()...)...)
		last = append(last, p.cells("l", "data.data.TAG")...)
		for _, node := range nodes {
			n++
			cells = append(cells, newPlace(t, libc, n, podSearch+node).cells("k", "TAG.dnscheck.svc.cluster.local", "TAG", "TAG.example.org", "data.data.TAG.plain.test")...)
		}
	}
	r := record(t)
	look := func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) }
	lab.AtOnce(1, first, look)
	lab.AtOnce(atOnce, cells, look)
	time.Sleep(6 * time.Second) // a lookup that is answered badly is over when nothing comes for so long
	lab.AtOnce(1, last, look)
	cells = append(cells, last...)
	report := analyse(t, r.stop(t))
	compare(t, cells, report)
	resolvers(t, cells, report)
	leaks(t, report)
}

// leaks wants the lookups of whole names of services to be found out, below each search domain of the nodes.
func leaks(t *testing.T, report *capture.Report) {
	t.Helper()
	found := make(map[string]int)
	for _, trace := range report.Traces {
		for _, c := range trace.Causes {
			for _, node := range nodes {
				if c.Kind == diagnosis.Leak && strings.HasSuffix(c.Question, ".dnscheck.svc.cluster.local."+node+".") && trace.Asked != nil && trace.Asked.Cured != "" {
					found[node]++
				}
			}
		}
	}
	for _, node := range nodes {
		if found[node] < 4 {
			t.Errorf("%d leaks below %s; want those of each musl", found[node], node)
		}
	}
}

// TestPrograms has resolvers that are no libc.
func TestPrograms(t *testing.T) {
	lab.Require(t)
	var cells []*cell
	for i, program := range lab.Programs(t) {
		p := newPlace(t, program, i, "search d1.test d2.test")
		cells = append(cells, p.cells("t", slices.Repeat([]string{"nxdomain.nxdomain.TAG", "data.data.TAG", "data.nodata.TAG.plain.test."}, 4)...)...)
	}
	r := record(t)
	lab.AtOnce(1, cells, func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) })
	resolvers(t, cells, analyse(t, r.stop(t)))
}

// analyse reads a recording, and keeps the lookups of all clients in the lab's network, or of those given.
func analyse(t *testing.T, recording []byte, only ...string) *capture.Report {
	t.Helper()
	if file := os.Getenv("MUSLSAFE_CAPTURE"); file != "" {
		if err := os.WriteFile(file, recording, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var clients []netip.Addr
	for i := range 100 {
		clients = append(clients, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	for _, text := range only {
		clients = append(clients, netip.MustParseAddr(text))
	}
	a, err := capture.New(bytes.NewReader(recording), capture.Options{Ndots: -1, Clients: clients, Keep: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	report, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	return report
}
