package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// races is what the tests read of doctor nameservers -json.
type races struct {
	Names []struct {
		Name, Status string
		Questions    []struct {
			Name, Type string
			First      *int
		}
		Finishes []struct {
			A, AAAA string
			Lookups []lookup
		}
		Hazards []hazard
	}
}

// two are the name servers of this test, in the order of the resolv.conf.
var two = []string{"192.0.2.53", "192.0.2.54"}

const twoServers = "nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch corp.example.com\noptions ndots:2\n"

// disagreement is what the two servers say to A and AAAA of a name, and whether it matters who is first.
type disagreement struct {
	name   string
	says   [2][2]string // of each server, to A and AAAA
	status int
}

var disagreements = []disagreement{
	{"same.example.org", [2][2]string{{"data", "nodata"}, {"data", "nodata"}}, 0},
	{"denied.example.org", [2][2]string{{"data", "data"}, {"nxdomain", "nxdomain"}}, 1},
	{"internal.example.org", [2][2]string{{"nxdomain", "nxdomain"}, {"data", "nodata"}}, 1},
	{"empty.example.org", [2][2]string{{"data", "nodata"}, {"nodata", "nodata"}}, 1},
	{"four.example.org", [2][2]string{{"data", "data"}, {"data", "nodata"}}, 1},
	{"half.example.org", [2][2]string{{"data", "nodata"}, {"data", "nxdomain"}}, 1},
	{"refused.example.org", [2][2]string{{"refused", "refused"}, {"data", "nodata"}}, 0},
	{"silent.example.org", [2][2]string{{"silence", "silence"}, {"data", "nodata"}}, 1}, // glibc waits for it
	{"web", [2][2]string{{"nodata", "nodata"}, {"nxdomain", "nxdomain"}}, 1},            // in the search domain
}

// script returns one of the servers. Behind a delay it is never the first.
func script(t *testing.T, which int, delay string) *upstream.Script {
	t.Helper()
	behave := func(words [2]string) (b [2]upstream.Behaviour) {
		for i, word := range words {
			var err error
			if b[i], err = upstream.Parse(word + delay); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	zone := behave([2]string{"nxdomain", "nxdomain"})
	s := &upstream.Script{Zones: []upstream.Zone{{Name: ".", A: zone[0], AAAA: zone[1]}}}
	data := behave([2]string{"data", "data"})
	s.Zones = append(s.Zones, upstream.Zone{Name: "web.", Host: true, Net: 9, A: data[0], AAAA: data[1]})
	for i, d := range append(disagreements, crossed()...) {
		name := d.name + "."
		if !strings.Contains(d.name, ".") {
			name += "corp.example.com."
		}
		b := behave(d.says[which])
		s.Zones = append(s.Zones, upstream.Zone{Name: name, Host: true, Net: byte(10 + i), A: b[0], AAAA: b[1]})
	}
	return s
}

// TestNameservers has two servers that disagree, one of them late. Real libcs get what doctor says for that order of arrival, and
// doctor sees who is first.
func TestNameservers(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, twoServers)
	for late := range two {
		t.Run(two[1-late]+" is first", func(t *testing.T) {
			for which, addr := range two {
				delay := ""
				if which == late {
					delay = "-d700"
				}
				upstream.Start(t, addr+":53", script(t, which, delay))
			}
			for _, d := range disagreements {
				t.Run(d.name, func(t *testing.T) {
					t.Parallel()
					checkRace(t, d.name, d.status, 1-late)
				})
			}
		})
	}
}

func checkRace(t *testing.T, name string, wantStatus, first int) {
	t.Helper()
	status, out, errs := doctor(t, "nameservers", "-json", name)
	var r races
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Names) != 1 {
		t.Fatalf("%s: %v\n%s%s", name, err, out, errs)
	}
	n := r.Names[0]
	if status != wantStatus || len(n.Hazards) != wantStatus {
		t.Errorf("%s: status %d, %+v; want %d", name, status, n.Hazards, wantStatus)
	}
	for _, q := range n.Questions {
		if alone := strings.HasPrefix(name, "refused") || strings.HasPrefix(name, "silent"); q.First == nil || *q.First != first && !alone {
			t.Errorf("%s: first for %s %s is %v; want server %d", name, q.Name, q.Type, q.First, first)
		}
	}
	for _, f := range n.Finishes {
		if f.A == two[first] && f.AAAA == two[first] {
			checkLookups(t, name, f.Lookups)
		}
	}
	if _, report := examine(t, name); slices.ContainsFunc(report.Names[0].Hazards, isNameservers) != (wantStatus == 1) {
		t.Errorf("doctor %s: %+v; want nameservers to be a hazard: %v", name, report.Names[0].Hazards, wantStatus == 1)
	}
}

// isNameservers reports whether a hazard is about the name servers as a group.
func isNameservers(h hazard) bool { return h.Kind == "nameservers" || h.Kind == "dead-nameserver" }

// checkLookups runs every libc.
func checkLookups(t *testing.T, n string, lookups []lookup) {
	t.Helper()
	lab.AtOnce(atOnce, lab.Libcs(t), func(libc lab.Libc) {
		want := prediction(t, named(n, lookups), libc)
		addrs := sorted(want.Addresses)
		if want.Error != "OK" {
			addrs = []string{want.Error}
		}
		if got, _ := libc.Lookup(t, n); !slices.Equal(sorted(got), addrs) {
			t.Errorf("%s: %s = %v; doctor says %v", libc.Name, n, got, addrs)
		}
	})
}

// TestNameserversUncontrolled has two dnsmasq, one of which knows a host of the company. Nobody knows who is first, but each libc
// gets one of the results that doctor lists.
func TestNameserversUncontrolled(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, twoServers)
	const name = "intranet.example.org"
	lab.Dnsmasq(t, "listen-address=192.0.2.53\nlocal=/example.org/\nlocal=/example.com/\n")
	lab.Dnsmasq(t, "listen-address=192.0.2.54\nlocal=/example.org/\nlocal=/example.com/\nhost-record="+name+",192.0.2.80\n")
	status, out, errs := doctor(t, "nameservers", "-json", name)
	var r races
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 1 || len(r.Names) != 1 {
		t.Fatalf("status %d, %v\n%s%s", status, err, out, errs)
	}
	for _, libc := range lab.Libcs(t) {
		got, _ := libc.Lookup(t, name)
		var possible []string
		for _, f := range r.Names[0].Finishes {
			l := prediction(t, named(name, f.Lookups), libc)
			possible = append(possible, fmt.Sprint(l.Error, l.Addresses))
		}
		real := "OK" + fmt.Sprint(got)
		if len(got) == 1 && strings.HasPrefix(got[0], "EAI_") {
			real = got[0] + "[]"
		}
		if !slices.Contains(possible, real) {
			t.Errorf("%s = %s; doctor says it is one of %v", libc.Name, real, possible)
		}
	}
}

// named returns lookups as part of a report.
func named(n string, lookups []lookup) name { return name{Name: n, Lookups: lookups} }
