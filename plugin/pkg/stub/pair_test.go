package stub_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// d1.test is scripted by the first two labels of a name, d2.test has one address of each kind for every name.
var world = &upstream.Script{Zones: []upstream.Zone{
	{Name: "d1.test.", Net: 1, Scripted: true},
	{Name: "d2.test.", Net: 2},
	{Name: upstream.LinkZone, Net: 3},
}}

const twoDomains = "nameserver 192.0.2.53\nsearch d1.test d2.test\noptions ndots:5\n"

// The columns of every table here: the models in their order.
var columns = []string{"musl-1.2.0", "musl-1.2.3", "musl-1.2.4", "musl-1.2.5", "glibc-2.36"}

func model(t testing.TB, name string) *stub.Model {
	t.Helper()
	m, ok := stub.Find(name)
	if !ok {
		t.Fatalf("Find(%q): no model", name)
	}
	return m
}

// lookup runs one lookup of a model in the world above.
func lookup(t testing.TB, m *stub.Model, conf string, f stub.Family, name string) stub.Result {
	t.Helper()
	return lookupIn(t, m, conf, f, name, world.Exchange)
}

func lookupIn(t testing.TB, m *stub.Model, conf string, f stub.Family, name string, ask stub.Exchange) stub.Result {
	t.Helper()
	c, err := m.ParseResolvConf(strings.NewReader(conf))
	if err != nil {
		t.Fatal(err)
	}
	return m.Lookup(c, name, f, ask)
}

// show writes a result as the tables do: the domain that answered with the number of addresses of each kind, or
// the error; then the seconds, if any.
func show(r stub.Result) string {
	var b strings.Builder
	switch {
	case r.Err != stub.OK:
		b.WriteString(strings.TrimPrefix(r.Err.String(), "EAI_"))
	default:
		b.WriteString(domain(append(r.V4[:len(r.V4):len(r.V4)], r.V6...)[0]))
		if len(r.V4) > 0 {
			fmt.Fprintf(&b, " %dv4", len(r.V4))
		}
		if len(r.V6) > 0 {
			fmt.Fprintf(&b, " %dv6", len(r.V6))
		}
	}
	if r.Elapsed > 0 && r.Err != stub.Hang {
		fmt.Fprintf(&b, " @%g", r.Elapsed.Round(time.Millisecond).Seconds())
	}
	return b.String()
}

// domain names the zone that an address comes from, as the upstream numbers them.
func domain(a netip.Addr) string {
	if b := a.As16(); !a.Is4() {
		return fmt.Sprintf("d%d", b[5])
	}
	b := a.As4()
	return fmt.Sprintf("d%d", b[2]>>2)
}

// The pair table: what one search step makes of each pair, with an answer in the next search domain. "d2" means
// that the search went on.
var pairTable = []struct {
	a, aaaa string
	want    [4]string // musl-1.2.0, musl-1.2.3, musl-1.2.4 and 1.2.5, glibc
}{
	{"data", "data", [4]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6"}},
	{"data", "nodata", [4]string{"d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4"}},
	{"nodata", "data", [4]string{"d1 1v6", "d1 1v6", "d1 1v6", "d1 1v6"}},
	{"data", "nxdomain", [4]string{"d1 1v4", "d2 1v4 1v6", "d2 1v4 1v6", "d1 1v4"}},
	{"nxdomain", "data", [4]string{"d1 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d1 1v6"}},
	{"nxdomain", "nxdomain", [4]string{"d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
	{"nxdomain", "nodata", [4]string{"d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
	{"nodata", "nxdomain", [4]string{"NONAME", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
	{"nodata", "nodata", [4]string{"NONAME", "NONAME", "NODATA", "d2 1v4 1v6"}},

	// The five failures are one to musl, in outcome and in time; glibc tells them apart.
	{"data", "servfail", [4]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "d1 1v4"}},
	{"data", "refused", [4]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "d1 1v4"}},
	{"data", "notimp", [4]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "d1 1v4"}},
	{"data", "formerr", [4]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "d1 1v4"}},
	{"data", "silence", [4]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "d1 1v4 @15"}},
	{"servfail", "data", [4]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "d1 1v6"}},
	{"refused", "data", [4]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "d1 1v6"}},
	{"formerr", "data", [4]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "d1 1v6"}},
	{"silence", "data", [4]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "NONAME @15"}},
	{"nxdomain", "servfail", [4]string{"d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6"}},
	{"nxdomain", "formerr", [4]string{"d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6"}},
	{"nxdomain", "silence", [4]string{"d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6 @5", "d2 1v4 1v6 @15"}},
	{"servfail", "nxdomain", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "d2 1v4 1v6"}},
	{"formerr", "nxdomain", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"silence", "nxdomain", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME @15"}},
	{"nodata", "refused", [4]string{"NONAME @5", "AGAIN @5", "AGAIN @5", "d2 1v4 1v6"}},
	{"nodata", "formerr", [4]string{"NONAME @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"refused", "nodata", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "d2 1v4 1v6"}},
	{"servfail", "servfail", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "d2 1v4 1v6"}},
	{"refused", "refused", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"notimp", "notimp", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"formerr", "formerr", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"silence", "silence", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME @10"}},

	// Unusual answers that count as one of the above.
	{"cnameonly", "nodata", [4]string{"NONAME", "NONAME", "NODATA", "NONAME"}},
	{"badvers", "badvers", [4]string{"NONAME", "NONAME", "NODATA", "d2 1v4 1v6"}},
	{"echo", "echo", [4]string{"NONAME", "NONAME", "NODATA", "NONAME"}},
	{"short", "data", [4]string{"d1 1v6", "d1 1v6", "d1 1v6", "NONAME"}},
	{"tiny", "data", [4]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
	{"nxdata", "nxdata", [4]string{"d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
	{"lame", "data", [4]string{"d1 1v6", "d1 1v6", "d1 1v6", "d1 1v6"}},
	{"noquestion", "noquestion", [4]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "NONAME @10"}},
	{"otherowner", "otherowner", [4]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "NONAME"}},
	{"data", "othertype", [4]string{"d1 2v4", "d1 2v4", "d1 1v4", "d1 1v4"}},
	{"oddfirst", "data", [4]string{"d1 1v6", "d1 1v6", "d1 1v6", "d1 1v4 1v6"}},
	{"data", "oddfirst", [4]string{"d1 1v4", "d1 1v4", "d1 1v4 1v6", "d1 1v4 1v6"}},
	{"badsize", "nodata", [4]string{"d1 1v4", "d1 1v4", "d1 1v4", "d1 2v4"}},
}

// pairColumn says where in a row of four a model's value stands.
var pairColumn = map[string]int{"musl-1.2.0": 0, "musl-1.2.3": 1, "musl-1.2.4": 2, "musl-1.2.5": 2, "glibc-2.36": 3}

func TestPair(t *testing.T) {
	for _, tc := range pairTable {
		for _, col := range columns {
			want := tc.want[pairColumn[col]]
			if got := show(lookup(t, model(t, col), twoDomains, stub.Both, tc.a+"."+tc.aaaa)); got != want {
				t.Errorf("%s: A %s, AAAA %s = %s; want %s", col, tc.a, tc.aaaa, got, want)
			}
		}
	}
}

// One family: only that one question is asked, and only its answer counts.
func TestSingleFamily(t *testing.T) {
	tests := []struct {
		answer string
		want   [4]string
	}{
		{"data", [4]string{"d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4"}},
		{"nodata", [4]string{"NONAME", "NONAME", "NODATA", "d2 1v4"}},
		{"nxdomain", [4]string{"d2 1v4", "d2 1v4", "d2 1v4", "d2 1v4"}},
		{"servfail", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "d2 1v4"}},
		{"refused", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME"}},
		{"silence", [4]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "NONAME @10"}},
		{"cnameonly", [4]string{"NONAME", "NONAME", "NODATA", "NODATA"}},
	}
	for _, tc := range tests {
		for _, col := range columns {
			v4 := lookup(t, model(t, col), twoDomains, stub.V4, tc.answer+".data")
			want := tc.want[pairColumn[col]]
			if got := show(v4); got != want {
				t.Errorf("%s: A %s = %s; want %s", col, tc.answer, got, want)
			}
			v6 := lookup(t, model(t, col), twoDomains, stub.V6, "data."+tc.answer)
			want = strings.ReplaceAll(want, "v4", "v6")
			if col == "glibc-2.36" && tc.answer == "cnameonly" {
				want = "NONAME" // AF_INET alone takes the way of gethostbyname2_r
			}
			if got := show(v6); got != want {
				t.Errorf("%s: AAAA %s = %s; want %s", col, tc.answer, got, want)
			}
		}
	}
}

// A name with no search left: where the search would go on, the name does not exist.
func TestAbsolute(t *testing.T) {
	for _, tc := range pairTable {
		for _, col := range columns[:4] {
			want := tc.want[pairColumn[col]]
			if strings.HasPrefix(want, "d2") {
				want = strings.Replace(want, "d2 1v4 1v6", "NONAME", 1)
			}
			if got := show(lookup(t, model(t, col), twoDomains, stub.Both, tc.a+"."+tc.aaaa+".d1.test.")); got != want {
				t.Errorf("%s: absolute A %s, AAAA %s = %s; want %s", col, tc.a, tc.aaaa, got, want)
			}
		}
	}
	for pair, want := range map[string]string{
		"data.nxdomain": "d1 1v4", "nxdomain.data": "d1 1v6", "nodata.nodata": "NODATA", "nxdomain.nodata": "NONAME",
		"servfail.servfail": "AGAIN", "refused.refused": "AGAIN", "formerr.formerr": "NONAME", "silence.silence": "AGAIN @10",
	} {
		if got := show(lookup(t, model(t, "glibc-2.36"), twoDomains, stub.Both, pair+".d1.test.")); got != want {
			t.Errorf("glibc-2.36: absolute %s = %s; want %s", pair, got, want)
		}
	}
}
