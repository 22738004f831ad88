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
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
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

// TestPredictions requires that what doctor says of each lookup is what the libc returned, and that it names the libc.
func TestPredictions(t *testing.T) {
	lab.Require(t)
	libcs := lab.Libcs(t)
	var cells, first, last []*cell
	for i, libc := range libcs {
		client := netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)})
		upstream.Start(t, netip.AddrPortFrom(client, 53).String(), script)
		jail := lab.NewJail(t, fmt.Sprintf("nameserver %s\nsearch d1.test d2.test\noptions ndots:5\n", client))
		for k := range 2 { // two searches show the search list
			tag := fmt.Sprintf("w%d%c", k, 'a'+i)
			first = append(first, &cell{libc: libc, jail: jail, client: client, tag: tag, name: "nxdomain.nxdomain." + tag})
		}
		last = append(last, &cell{libc: libc, jail: jail, client: client, tag: fmt.Sprintf("l%c", 'a'+i), name: fmt.Sprintf("data.data.l%c", 'a'+i)})
		for k, name := range pairs() {
			tag := fmt.Sprintf("t%d%c", k, 'a'+i)
			cells = append(cells, &cell{libc: libc, jail: jail, client: client, tag: tag, name: strings.Replace(name, "TAG", tag, 1)})
		}
	}
	r := record(t)
	look := func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) }
	lab.AtOnce(1, first, look)
	lab.AtOnce(atOnce, cells, look)
	time.Sleep(6 * time.Second) // a lookup that is answered badly is over when nothing comes for so long
	lab.AtOnce(1, last, look)
	cells = slices.Concat(first, cells, last)
	report := analyse(t, r.stop(t))
	compare(t, cells, report)
	resolvers(t, cells, report)
}

// analyse reads a recording.
func analyse(t *testing.T, recording []byte) *capture.Report {
	t.Helper()
	if file := os.Getenv("MUSLSAFE_CAPTURE"); file != "" {
		if err := os.WriteFile(file, recording, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var clients []netip.Addr
	for i := range 40 {
		clients = append(clients, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
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

// compare holds each prediction against the libc.
func compare(t *testing.T, cells []*cell, report *capture.Report) {
	t.Helper()
	byTag := make(map[string]capture.Trace)
	for _, trace := range slices.Backward(report.Traces) { // of what is asked anew, the first counts
		for label := range strings.SplitSeq(trace.Name, ".") {
			byTag[label] = trace
		}
	}
	equal := 0
	for _, c := range cells {
		trace, ok := byTag[c.tag]
		if diff := c.diff(trace); !ok {
			t.Errorf("%s: %s: not in the report", c.libc.Name, c.name)
		} else if diff != "" {
			t.Errorf("%s: %s = %v after %v; doctor predicts %s", c.libc.Name, c.name, c.got, c.got.Took, diff)
		} else {
			equal++
		}
	}
	t.Logf("%d of %d lookups as predicted", equal, len(cells))
}

// diff describes the prediction if it was wrong.
func (c *cell) diff(trace capture.Trace) string {
	if c.err != nil {
		return c.err.Error()
	}
	if trace.Asked == nil {
		return "nothing: the resolver is " + trace.Resolver.Name
	}
	r := trace.Asked.Result
	want := fmt.Sprintf("%v %v after %v (%s)", r.Err, append(slices.Clone(r.V4), r.V6...), r.Elapsed, trace.Asked.Model.Name)
	if trace.Asked.Unknown != "" {
		return want + " unknown: " + trace.Asked.Unknown
	}
	if c.got.Err != r.Err.String() {
		return want
	}
	if r.Err == stub.Hang {
		return ""
	}
	var addrs []string
	for _, addr := range append(slices.Clone(r.V4), r.V6...) {
		addrs = append(addrs, addr.String())
	}
	got := slices.Clone(c.got.Addrs)
	slices.Sort(addrs)
	slices.Sort(got)
	if !slices.Equal(addrs, got) || (c.got.Took-r.Elapsed).Abs() > slack {
		return want
	}
	return ""
}

// covered are the versions that a name may stand for.
var covered = map[string][]string{
	"glibc":      {"glibc"},
	"musl 1.2.2": {"musl 1.2.1 to 1.2.3"},
	"musl 1.2.3": {"musl 1.2.1 to 1.2.3"},
	"musl 1.2.5": {"musl from 1.2.4"}, // which asks alike
	"musl 1.2.6": {"musl from 1.2.4"},
}

// resolvers holds the name of each client's resolver against its libc.
func resolvers(t *testing.T, cells []*cell, report *capture.Report) {
	t.Helper()
	libcs := make(map[netip.Addr]string)
	for _, c := range cells {
		libcs[c.client] = c.libc.Name
	}
	for _, c := range report.Clients {
		t.Logf("%s: %s, %.3f %q", c.Address, c.Resolver.Name, c.Resolver.Sure, c.Resolver.Why)
		if libc := libcs[c.Address]; !slices.Contains(covered[libc], c.Resolver.Name) {
			t.Errorf("%s: the resolver is %s; want one of %q", libc, c.Resolver.Name, covered[libc])
		}
	}
}
