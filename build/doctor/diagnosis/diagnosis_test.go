package diagnosis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// behind returns a Doctor whose server is a script: no sockets, and no time passes.
func behind(t *testing.T, resolvConf string, zones ...upstream.Zone) *Doctor {
	t.Helper()
	d, err := newDoctor(resolvConf, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	d.world.ask = (&upstream.Script{Zones: zones}).Exchange
	return d
}

// all returns a zone that says the same to every question.
func all(name string, net byte, behaviour string) upstream.Zone {
	b, err := upstream.Parse(behaviour)
	if err != nil {
		panic(err)
	}
	return upstream.Zone{Name: name, Net: net, A: b, AAAA: b}
}

const twoDomains = "nameserver 192.0.2.53\nsearch d1.test d2.test\noptions ndots:5\n"

// network returns the zone that an address comes from.
func network(a netip.Addr) int {
	if b := a.As16(); !a.Is4() {
		return int(b[5])
	}
	return int(a.As4()[2] >> 2)
}

// TestHarmIsSeen goes through every pair of answers, given by a search domain as a whole and by one name of it: a libc is
// among those that a hazard harms if and only if it does not get the addresses that are there, of each family, in time.
// Where one name fails in a domain that is alive, nobody knows whether it exists, so no fix is named.
func TestHarmIsSeen(t *testing.T) {
	d2 := all("d2.test.", 2, "data")
	alive := behind(t, twoDomains, upstream.Zone{Name: "d1.test.", Net: 1, Scripted: true}, d2)
	for _, a := range upstream.Pairable() {
		for _, aaaa := range upstream.Pairable() {
			name := fmt.Sprintf("%v.%v", a, aaaa)
			d1 := upstream.Zone{Name: "d1.test.", Net: 1, A: upstream.Behaviour{Answer: a}, AAAA: upstream.Behaviour{Answer: aaaa}}
			checkHarm(t, behind(t, twoDomains, d1, d2).Examine(name), a, aaaa)
			r := alive.Examine(name)
			if has(a) || has(aaaa) || !fails(a) && !(a == upstream.NoData && fails(aaaa)) {
				checkHarm(t, r, a, aaaa)
			} else if slices.ContainsFunc(r.Hazards, func(h Hazard) bool { return h.Kind != Outage }) || len(r.Hazards) == 0 && r.Unclear == "" {
				t.Errorf("A %v, AAAA %v of one name: %v, %q; want an outage, or unclear", a, aaaa, r.Hazards, r.Unclear)
			}
		}
	}
}

func checkHarm(t *testing.T, r Report, a, aaaa upstream.Answer) {
	t.Helper()
	if r.Unclear != "" {
		t.Errorf("A %v, AAAA %v: unclear: %s", a, aaaa, r.Unclear)
	}
	want := 2
	if has(a) || has(aaaa) {
		want = 1
	}
	for _, l := range r.Lookups {
		if isHarmed, right := isHarmed(r, l.Model), isRight(l, want, has(a) && has(aaaa)); isHarmed == right {
			t.Errorf("A %v, AAAA %v: %s: %v %v after %v; harmed %v by %v", a, aaaa, l.Model.Name, l.Result.Err, l.Addresses(), l.Result.Elapsed, isHarmed, r.Hazards)
		}
	}
}

// fails reports whether an answer is a failure.
func fails(a upstream.Answer) bool { return !has(a) && a != upstream.NoData && a != upstream.NXDomain }

// has reports whether an answer brings addresses, at the latest over TCP.
func has(a upstream.Answer) bool {
	return a == upstream.Data || a == upstream.TCEmpty || a == upstream.TCSome
}

func isHarmed(r Report, m *stub.Model) bool {
	return slices.ContainsFunc(r.Hazards, func(h Hazard) bool {
		return slices.ContainsFunc(h.Harms, func(harm Harm) bool { return harm.Model == m })
	})
}

func isRight(l Lookup, want int, families bool) bool {
	return l.Result.Err == stub.OK && (!families || len(l.Result.V4) > 0 && len(l.Result.V6) > 0) && l.Result.Elapsed <= slow &&
		!slices.ContainsFunc(l.Addresses(), func(a netip.Addr) bool { return network(a) != want })
}

// show writes the kinds of hazards, each with the models that it harms.
func show(r Report) string {
	var words []string
	for _, h := range r.Hazards {
		var models []string
		for _, harm := range h.Harms {
			models = append(models, strings.TrimPrefix(harm.Model.Name, "musl-"))
		}
		words = append(words, fmt.Sprintf("%s %s", h.Kind, strings.Join(models, " ")))
	}
	if r.Unclear != "" {
		words = append(words, "unclear")
	}
	return strings.Join(words, "; ")
}

func TestHazards(t *testing.T) {
	const (
		pod     = "nameserver 192.0.2.53\nsearch default.svc.cluster.local svc.cluster.local cluster.local "
		anyMusl = "1.2.0 1.2.3 1.2.4 1.2.5"
	)
	zones := []upstream.Zone{
		{Name: "example.org.", Net: 1, Scripted: true},
		all("d2.test.", 2, "data"), all("nodata.test.", 3, "nodata"), all("servfail.test.", 4, "servfail"),
		all("wild.test.", 5, "data"), all("dnscheck.svc.cluster.local.", 6, "data"),
		all("broken.svc.cluster.local.", 7, "servfail"), upstream.Zone{Name: "scripted.test.", Net: 8, Scripted: true},
	}
	long := strings.Repeat("abcdefghi.", 24)[:239]
	tests := []struct {
		about, conf, name string
		want              string
	}{
		{"healthy", pod + "corp.test\noptions ndots:5\n", "data.data.example.org", ""},
		{"without AAAA", pod + "corp.test\noptions ndots:5\n", "data.nodata.example.org", ""},
		{"no such name", pod + "corp.test\noptions ndots:5\n", "www.example.net", "unclear"},
		{"no address", pod + "corp.test\noptions ndots:5\n", "nodata.nodata.example.org", "unclear"},
		{"no address, and no more in the search list", pod + "nodata.test\noptions ndots:5\n", "www.example.net", "unclear"},
		{"pair, written out", "search x.test\n", "data.nxdomain.example.org.", "pair 1.2.3 1.2.4 1.2.5"},
		{"failure, written out", "search x.test\n", "data.refused.example.org.", "failure " + anyMusl},
		{"outage", "search x.test\n", "servfail.servfail.example.org.", "outage " + anyMusl + "; unclear"},
		{"search", pod + "nodata.test\noptions ndots:5\n", "data.data.example.org", "search " + anyMusl},
		{"leak", pod + "nodata.test\noptions ndots:5\n", "web.dnscheck.svc.cluster.local", "leak " + anyMusl},
		{"leak that hijacks", pod + "wild.test\noptions ndots:5\n", "web.dnscheck.svc.cluster.local", "leak " + anyMusl + " glibc-2.36"},
		{"leak of no service", pod + "nodata.test\noptions ndots:5\n", "web.default.svc.cluster.local", "unclear"},
		{"wildcard", pod + "wild.test\noptions ndots:5\n", "data.data.example.org", "wildcard " + anyMusl + " glibc-2.36"},
		{"a wildcard is meant", pod + "wild.test\noptions ndots:5\n", "web", ""},
		{"a service that fails is no other host", pod + "d2.test\noptions ndots:5\n", "web.broken.svc", "outage " + anyMusl},
		{"dot", "search .\noptions ndots:5\n", "data.data.example.org", "dot 1.2.0 1.2.3"},
		{"ndots", "search d2.test\noptions ndots:1\n", "web.x", "ndots " + anyMusl},
		{"a search line that is too long", "search " + strings.Repeat("x.test ", 40) + "d2.test\noptions ndots:5\n", "web", "search-line " + anyMusl},
		{"a name that is too long with a suffix", "search " + long + " d2.test\noptions ndots:5\n", strings.Repeat("n", 14), "long-name 1.2.0 1.2.3"},
		{"attempts:0", "search x.test\noptions attempts:0\n", "data.data.example.org.", "crash " + anyMusl},
		{"too many", "search x.test\n", "data-n64.nodata.example.org.", "too-many 1.2.4"},
		{"fit", "search x.test\n", "tcempty.nodata.example.org.", "fit 1.2.0 1.2.3"},
		{"TCP fails", "search x.test\n", "tcempty-xclose.data.example.org.", "fit 1.2.4 1.2.5 glibc-2.36"},
		{"two at once", pod + "scripted.test d2.test\noptions ndots:5\n", "data.servfail", "failure " + anyMusl},
		{"a lost packet", "search x.test\n", "data-f1silence.data.example.org.", "loss " + anyMusl + " glibc-2.36"},
		{"an address", "search x.test\n", "192.0.2.80", "unclear"},
		{"no name", "search x.test\n", "a..b", "unclear"},
	}
	for _, tc := range tests {
		r := behind(t, tc.conf, zones...).Examine(tc.name)
		if got := show(r); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.about, got, tc.want)
		}
		for _, h := range r.Hazards {
			if a := h.Advice(); a.Why == "" || a.Workaround == "" {
				t.Errorf("%s: no reason or no workaround for %s", tc.about, h.Kind)
			}
		}
	}
}

// TestUnsearched holds that absolute is named as the cure where it finds the name, and nowhere else.
func TestUnsearched(t *testing.T) {
	long := "search " + strings.Repeat("x.test ", 40) + "d2.test\noptions ndots:5\n"
	tests := []struct{ about, conf, name, want string }{
		{"a low ndots", "search d2.test\noptions ndots:1\n", "web.x", "absolute"},
		{"a search line that is too long", long, "web.x", "absolute"},
		{"one label", long, "web", ""},
		{"of the namespace of the pod", "search dnscheck.svc.cluster.local svc.cluster.local\noptions ndots:1\n", "web.x", ""},
	}
	for _, tc := range tests {
		r := behind(t, tc.conf, all("d2.test.", 2, "data"), all("dnscheck.svc.cluster.local.", 6, "data")).Examine(tc.name)
		if len(r.Hazards) != 1 || r.Hazards[0].Fix() != tc.want || strings.HasPrefix(r.Hazards[0].Advice().Cure, "absolute") != (tc.want != "") {
			t.Errorf("%s: %+v; want the cure %q", tc.about, r.Hazards, tc.want)
		}
	}
}

func TestSettings(t *testing.T) {
	const file = "# pod\nnameserver 192.0.2.1\nsearch a.test b.test\ndomain c.test\noptions ndots:5 timeout:2"
	tests := []struct {
		about    string
		settings Settings
		want     string
	}{
		{"none", Settings{Ndots: -1}, file},
		{"server", Settings{Servers: []string{"192.0.2.9", "[2001:db8::1]:1053"}, Ndots: -1}, "# pod\nsearch a.test b.test\ndomain c.test\noptions ndots:5 timeout:2\nnameserver 192.0.2.9\nnameserver 2001:db8::1\n"},
		{"search", Settings{Search: []string{"x.test"}, Ndots: -1}, "# pod\nnameserver 192.0.2.1\noptions ndots:5 timeout:2\nsearch x.test\n"},
		{"no search", Settings{Search: []string{}, Ndots: -1}, "# pod\nnameserver 192.0.2.1\noptions ndots:5 timeout:2\n"},
		{"ndots", Settings{Ndots: 2}, file + "\noptions ndots:2\n"},
	}
	for _, tc := range tests {
		got, ports, err := tc.settings.Apply(file)
		if err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.about, got, err, tc.want)
		}
		if len(tc.settings.Servers) > 0 && ports[netip.MustParseAddr("2001:db8::1")] != 1053 {
			t.Errorf("%s: ports %v; want 1053", tc.about, ports)
		}
	}
}
