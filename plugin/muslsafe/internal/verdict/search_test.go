package verdict

import (
	"net/netip"
	"testing"
)

// TestStepOf has what a pair is to a client that searches.
func TestStepOf(t *testing.T) {
	for _, tc := range []struct{ a, aaaa, want Outcome }{
		{Data, Unknown, Data}, {Unknown, Data, Data}, {Data, Failed, Data}, {Failed, Data, Data}, {Nxdomain, Data, Data},
		{Unknown, Nodata, Unknown}, {Nodata, Unknown, Unknown}, {Failed, Unknown, Unknown}, {Nxdomain, Unknown, Unknown},
		{Failed, Nxdomain, Failed}, {Failed, Nodata, Failed}, {Nodata, Failed, Failed}, {Failed, Failed, Failed},
		{Nxdomain, Failed, Nxdomain}, // which speaks for the whole name
		{Nodata, Nodata, Nxdomain}, {Nodata, Nxdomain, Nxdomain}, {Nxdomain, Nodata, Nxdomain}, {Nxdomain, Nxdomain, Nxdomain},
	} {
		if got := StepOf(tc.a, tc.aaaa); got != tc.want {
			t.Errorf("StepOf(%s, %s) = %s; want %s", tc.a, tc.aaaa, got, tc.want)
		}
	}
}

// TestIsSearch has the proofs of a first step.
func TestIsSearch(t *testing.T) {
	for _, tc := range []struct {
		about     string
		namespace Outcome
		rivals    []Outcome
		want      Answer
	}{
		{"the namespace exists, and no rival", Nodata, []Outcome{Nxdomain, Nxdomain}, Yes},
		{"the namespace has an address", Data, nil, Yes},
		{"no such namespace", Nxdomain, []Outcome{Nxdomain}, No},
		{"nobody knows about the namespace", Failed, []Outcome{Nxdomain}, No},
		{"the namespace is open", Unknown, []Outcome{Nxdomain}, Open},
		{"a rival is open", Nodata, []Outcome{Unknown, Nxdomain}, Open},
		{"a rival exists", Nodata, []Outcome{Unknown, Nodata}, No},
		{"a rival fails, before the namespace is known", Unknown, []Outcome{Failed}, No},
	} {
		if got := IsSearch(tc.namespace, tc.rivals); got != tc.want {
			t.Errorf("%s: %v; want %v", tc.about, got, tc.want)
		}
	}
}

// TestAnyAhead has the lookups further down a search.
func TestAnyAhead(t *testing.T) {
	for _, tc := range []struct {
		about    string
		outcomes []Outcome
		want     Answer
	}{
		{"nothing to ask", nil, No},
		{"an address", []Outcome{Nxdomain, Data}, Yes},
		{"an address, while others are open", []Outcome{Unknown, Data, Unknown}, Yes},
		{"none, while others are open", []Outcome{Nxdomain, Unknown}, Open},
		{"none", []Outcome{Nxdomain, Nodata}, No},
		{"failures, which nobody can count on", []Outcome{Failed, Nxdomain}, No},
	} {
		if got := AnyAhead(tc.outcomes); got != tc.want {
			t.Errorf("%s: AnyAhead(%v) = %v; want %v", tc.about, tc.outcomes, got, tc.want)
		}
	}
}

// TestIsSame has a name and a random one in its place.
func TestIsSame(t *testing.T) {
	for _, tc := range []struct {
		about            string
		halves, stranger []Outcome
		want             Answer
	}{
		{"both say the same", []Outcome{Nodata, Nxdomain}, []Outcome{Nodata, Nxdomain}, Yes},
		{"both fail", []Outcome{Failed, Failed}, []Outcome{Failed, Failed}, Yes},
		{"one half differs", []Outcome{Nodata, Nodata}, []Outcome{Nodata, Nxdomain}, No},
		{"the other half differs", []Outcome{Failed, Nodata}, []Outcome{Nxdomain, Nodata}, No},
		{"the same the other way round", []Outcome{Nodata, Failed}, []Outcome{Failed, Nodata}, No},
		{"no stranger", []Outcome{Nodata, Nodata}, nil, Open},
		{"half a stranger", []Outcome{Nodata, Nodata}, []Outcome{Nodata}, Open},
		{"half a stranger, which differs", []Outcome{Nodata, Nodata}, []Outcome{Failed}, No},
		{"the name is open", []Outcome{Nodata, Unknown}, []Outcome{Nodata, Nodata}, Open},
		{"the stranger is open", []Outcome{Nodata, Nodata}, []Outcome{Nodata, Unknown}, Open},
		{"both are open", []Outcome{Unknown, Unknown}, []Outcome{Unknown, Unknown}, Open},
		{"one half differs, the other is open", []Outcome{Nodata, Unknown}, []Outcome{Nxdomain, Unknown}, No},
		{"A alone counts", []Outcome{Nodata}, []Outcome{Nodata}, Yes},
	} {
		if got := IsSame(tc.halves, tc.stranger); got != tc.want {
			t.Errorf("%s: IsSame(%v, %v) = %v; want %v", tc.about, tc.halves, tc.stranger, got, tc.want)
		}
	}
}

// TestIsHijacked has a wildcard at 192.0.2.1, and what else a name below its domain may get.
func TestIsHijacked(t *testing.T) {
	at := func(addr string) Half { return Half{Outcome: Data, Addrs: []netip.Addr{netip.MustParseAddr(addr)}} }
	no := func(o Outcome) Half { return Half{Outcome: o} }
	cut := Half{Outcome: Data, IsCut: true}
	taken, host := []Half{at("192.0.2.1"), no(Nodata)}, []Half{at("192.0.2.99"), no(Nodata)}
	for _, tc := range []struct {
		about                 string
		own, random, original []Half
		want                  Answer
	}{
		{"a host by itself", taken, taken, host, Yes},
		{"a host with IPv6 alone", taken, taken, []Half{no(Nodata), at("2001:db8::1")}, Yes},
		{"A alone counts", taken[:1], taken[:1], host[:1], Yes},
		{"no host by itself", taken, taken, []Half{no(Nxdomain), no(Nxdomain)}, No},
		{"another address than a random name", []Half{at("192.0.2.2"), no(Nodata)}, taken, host, No},
		{"a random name does not exist", taken, []Half{no(Nxdomain), no(Nxdomain)}, host, No},
		{"a random name has IPv6 too", taken, []Half{at("192.0.2.1"), at("2001:db8::1")}, host, No},
		{"a random name fails", taken, []Half{no(Failed), no(Nodata)}, host, No},
		{"the name by itself fails in one half", taken, taken, []Half{at("192.0.2.99"), no(Failed)}, No},
		{"a half is cut", []Half{cut, no(Nodata)}, []Half{cut, no(Nodata)}, host, No},
		{"a half is open", []Half{at("192.0.2.1"), no(Unknown)}, taken, host, Open},
		{"the random name is open", taken, []Half{no(Unknown), no(Unknown)}, host, Open},
		{"the name by itself is open", taken, taken, []Half{no(Unknown), no(Unknown)}, Open},
	} {
		if got := IsHijacked(tc.own, tc.random, tc.original); got != tc.want {
			t.Errorf("%s: IsHijacked = %v; want %v", tc.about, got, tc.want)
		}
	}
}
