package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const (
	// resolvConf has two search domains. The first answers as the name says, the second has an address for every name.
	resolvConf = "nameserver 127.0.0.1\nsearch d1.test d2.test\noptions ndots:5\n"

	// slack is how much a real lookup may differ from the prediction: this machine may be busy.
	slack = 600 * time.Millisecond

	atOnce = 250 // lookups of real libcs
)

// serve starts a server with the two domains, and plain.test for names that are written out.
func serve(t *testing.T, addr string) {
	t.Helper()
	upstream.Start(t, addr, &upstream.Script{Zones: []upstream.Zone{
		{Name: "d1.test.", Net: 1, Scripted: true},
		{Name: "d2.test.", Net: 2},
		{Name: "plain.test.", Net: 3, Scripted: true},
	}})
}

// matrix returns a name for each pair of answers, in a search domain and written out.
func matrix() (names []string) {
	for _, a := range upstream.Pairable() {
		for _, aaaa := range upstream.Pairable() {
			names = append(names, fmt.Sprintf("%v.%v.x", a, aaaa), fmt.Sprintf("%v.%v.x.plain.test.", a, aaaa))
		}
	}
	return names
}

// large are answers that not every libc can read whole.
var large = []string{
	"data-n40.nodata.x", "data-n63.nodata.x", "data-n64.nodata.x", "data-n300.data.x", "data-n5.data-n60.x", "data-n5.data-n47.x",
	"data-c8-l60.nodata.x", "data-c11-l60.nodata.x", "data-c3-l215.data.x", "tcempty-xclose.data.x", "tcempty-xservfail.data.x",
	"data.tcempty-xreset.x", "tcsome-xstall.data.x", "data-d700.data.x", "data.nodata-d900.x",
	"oddfirst.data.x", "data.othertype.x", "cnameonly.nodata.x", "nxdomain.cnameonly.x", "badvers.badvers.x",
	"short.data.x", "tiny.data.x", "echo.data.x", "garbage.data.x", "noquestion.noquestion.x", "nxdata.data.x", "lame.data.x",
}

// attempt is a lookup of a real libc beside its prediction.
type attempt struct {
	libc lab.Libc
	name string
	want lookup
	got  []string
	took time.Duration

	anyTime bool // the prediction is not about time
}

// TestPredictions looks every name up with doctor, and then with every libc that is installed here.
func TestPredictions(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	serve(t, "127.0.0.1:53")
	names := append(matrix(), large...)
	_, r := examine(t, names...)
	if len(r.Names) != len(names) {
		t.Fatalf("%d names in the report; want %d", len(r.Names), len(names))
	}
	var all []*attempt
	for _, n := range r.Names {
		for _, libc := range lab.Libcs(t) {
			all = append(all, &attempt{libc: libc, name: n.Name, want: prediction(t, n, libc)})
		}
	}
	compare(t, all)
}

// compare runs all lookups, those that differ from the prediction twice.
func compare(t *testing.T, all []*attempt) {
	t.Helper()
	lookUp(t, all)
	var different []*attempt
	for _, a := range all {
		if a.diff() != "" {
			different = append(different, a)
		}
	}
	lookUp(t, different) // what was only late on a busy machine is not late again
	for _, a := range different {
		if d := a.diff(); d != "" {
			t.Errorf("%s: %s = %v after %v; doctor predicts %s", a.libc.Name, a.name, a.got, a.took, d)
		}
	}
	t.Logf("%d lookups, %d of them twice", len(all), len(different))
}

// prediction returns what doctor says of a libc.
func prediction(t *testing.T, n name, libc lab.Libc) lookup {
	t.Helper()
	version := strings.ReplaceAll(libc.Name, " ", "-")
	if !libc.Musl() {
		version = "glibc-2.36"
	}
	m, ok := stub.Find(version)
	i := slices.IndexFunc(n.Lookups, func(l lookup) bool { return ok && l.Libc == m.Name })
	if i < 0 {
		t.Fatalf("%s: no prediction for %s", n.Name, libc.Name)
	}
	return n.Lookups[i]
}

func lookUp(t *testing.T, all []*attempt) {
	lab.AtOnce(atOnce, all, func(a *attempt) { a.got, a.took = a.libc.Lookup(t, a.name) })
}

// diff describes the prediction if it was wrong.
func (a *attempt) diff() string {
	if a.want.Seconds == nil {
		if len(a.got) == 1 && a.got[0] == lab.Hang {
			return ""
		}
		return lab.Hang
	}
	want := []string{a.want.Error}
	if a.want.Error == "OK" {
		want = sorted(a.want.Addresses)
	}
	elapsed := time.Duration(*a.want.Seconds * float64(time.Second))
	if slices.Equal(sorted(a.got), want) && (a.anyTime || (a.took-elapsed).Abs() < slack) {
		return ""
	}
	return fmt.Sprintf("%v after %v", want, elapsed)
}

// sorted returns addresses, or an error, in one order.
func sorted(addrs []string) []string {
	return slices.SortedFunc(slices.Values(addrs), func(a, b string) int {
		x, errX := netip.ParseAddr(a)
		y, errY := netip.ParseAddr(b)
		if errX != nil || errY != nil {
			return strings.Compare(a, b)
		}
		return x.Compare(y)
	})
}
