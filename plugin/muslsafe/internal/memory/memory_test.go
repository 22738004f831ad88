package memory

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
)

const (
	plainName = "www.example.com."
	nodeName  = "db.corp.example.org."
)

// TestDeny checks for how long, and for which queries, a denial of one half prevents one of the other half.
func TestDeny(t *testing.T) {
	const one, two = "192.0.2.1", "192.0.2.2"
	for _, tc := range []struct {
		about  string
		client string
		name   string
		qtype  uint16
		after  time.Duration
		want   bool
	}{
		{"the same half", one, plainName, dns.TypeAAAA, time.Second, true},
		{"the other half", one, plainName, dns.TypeA, time.Second, false},
		{"the other half, as long as it is kept", one, plainName, dns.TypeA, keepDenial - 1, false},
		{"the other half, later", one, plainName, dns.TypeA, keepDenial, true},
		{"another client", two, plainName, dns.TypeA, time.Second, true},
		{"another name", one, nodeName, dns.TypeA, time.Second, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := New()
			if !m.Deny(clientAt(one, plainName, dns.TypeAAAA), time.Now()) {
				t.Fatal("the first denial is refused")
			}
			time.Sleep(tc.after)
			if got := m.Deny(clientAt(tc.client, tc.name, tc.qtype), time.Now()); got != tc.want {
				t.Errorf("%s: %v; want %v", tc.about, got, tc.want)
			}
		})
	}
}

// clientAt is a client at an address that asks for a name.
func clientAt(addr, name string, qtype uint16) *lookup.Client {
	return &lookup.Client{Writer: &test.ResponseWriter{RemoteIP: addr}, Query: sample.Query(name, qtype), Name: name}
}

// TestHasAsked checks for how long, and for which queries, it counts that a client has asked.
func TestHasAsked(t *testing.T) {
	const one, two = "192.0.2.1", "192.0.2.2"
	for _, tc := range []struct {
		about  string
		client string
		name   string
		qtype  uint16
		after  time.Duration
		want   bool
	}{
		{"at once", one, plainName, dns.TypeAAAA, 0, true},
		{"as long as a client waits", one, plainName, dns.TypeAAAA, keepQuery - 1, true},
		{"later", one, plainName, dns.TypeAAAA, keepQuery, false},
		{"the other half", one, plainName, dns.TypeA, 0, false},
		{"another client", two, plainName, dns.TypeAAAA, 0, false},
		{"another name", one, nodeName, dns.TypeAAAA, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := New()
			m.NoteQuery(clientAt(one, plainName, dns.TypeAAAA), time.Now())
			time.Sleep(tc.after)
			if got := m.HasAsked(clientAt(tc.client, tc.name, tc.qtype), tc.qtype, time.Now()); got != tc.want {
				t.Errorf("%s: %v; want %v", tc.about, got, tc.want)
			}
		})
	}
}
