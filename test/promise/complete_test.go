package promise

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const clusterDomain = "cluster.local."

// cluster is a Kubernetes cluster and the rest of the DNS, as random as a test can make it.
type cluster struct {
	namespaces []string
	names      map[string][2]upstream.Answer // A and AAAA of each name that exists
}

// labels make names that look like services, pods, hosts, countries and companies. Some namespaces are called like a
// top-level domain, and some of these have a second level that is like another top-level domain (co.uk).
var labels = struct{ first, middle, last, namespaces []string }{
	first:      []string{"www", "web-0", "db", "svc"},
	middle:     []string{"example", "nginx", "co", "com", "svc", "default", "prod"},
	last:       []string{"com", "co", "uk", "default", "prod", "svc", "cluster.local", "svc.cluster.local", "default.svc.cluster.local"},
	namespaces: []string{"default", "prod", "uk", "staging", "svc"},
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// randomName has one to four labels before its end.
func randomName(r *rand.Rand) string {
	name := pick(r, labels.first) + "."
	for range r.IntN(4) {
		name += pick(r, labels.middle) + "."
	}
	return name + pick(r, labels.last) + "."
}

// randomCluster has names of all the forms that a search makes, so that searches find something now and then.
func randomCluster(r *rand.Rand) cluster {
	answers := []upstream.Answer{
		upstream.Data, upstream.Data, upstream.Data, upstream.NoData, upstream.NXDomain, upstream.ServFail, upstream.Refused,
	}
	c := cluster{names: map[string][2]upstream.Answer{"ns.co.uk.": {upstream.Data, upstream.NoData}}}
	for _, namespace := range labels.namespaces {
		if r.IntN(2) == 0 {
			c.namespaces = append(c.namespaces, namespace)
			c.names[namespace+".svc."+clusterDomain] = [2]upstream.Answer{upstream.NoData, upstream.NoData}
		}
	}
	for range 12 {
		name := randomName(r)
		switch r.IntN(4) {
		case 0:
			name += pick(r, []string{"d1.test.", "d2.test."})
		case 1:
			name += pick(r, []string{"", "svc.", "default.svc.", "prod.svc."}) + clusterDomain
		}
		c.names[name] = [2]upstream.Answer{answers[r.IntN(len(answers))], answers[r.IntN(len(answers))]}
	}
	return c
}

// answer says what there is for a name: nothing at the names on the way to others.
func (c cluster) answer(name string, qtype uint16) upstream.Answer {
	if pair, ok := c.names[name]; ok {
		if qtype == dns.TypeA {
			return pair[0]
		}
		return pair[1]
	}
	for other := range c.names {
		if dns.IsSubDomain(name, other) {
			return upstream.NoData
		}
	}
	return upstream.NXDomain
}

func (c cluster) exists(name string) bool { return c.answer(name, dns.TypeA) != upstream.NXDomain }

// ServeDNS implements [plugin.Handler].
func (c cluster) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := r.Question[0]
	m := new(dns.Msg).SetReply(r)
	switch a := c.answer(q.Name, q.Qtype); a {
	case upstream.ServFail:
		return dns.RcodeServerFailure, errors.New("upstream is down")
	case upstream.Refused:
		m.Rcode = dns.RcodeRefused
	case upstream.Data:
		m.Answer = []dns.RR{address(q)}
	default:
		m.Ns = []dns.RR{test.SOA(". 60 IN SOA ns.example. mail.example. 1 2 3 4 60")}
		if a == upstream.NXDomain {
			m.Rcode = dns.RcodeNameError
		}
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// Name implements [plugin.Handler].
func (c cluster) Name() string { return "cluster" }

// address is that of a name: another one for each name.
func address(q dns.Question) dns.RR {
	var sum uint32
	for _, b := range []byte(q.Name) {
		sum = sum*31 + uint32(b)
	}
	hdr := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 60}
	if q.Qtype == dns.TypeA {
		return &dns.A{Hdr: hdr, A: []byte{10, byte(sum >> 16), byte(sum >> 8), byte(sum)}}
	}
	return &dns.AAAA{Hdr: hdr, AAAA: append(netip.MustParseAddr("2001:db8::").AsSlice()[:12], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))}
}

// isDoubtful reports whether the search for a name that does not exist, X.NAMESPACE or that with an end of its own, looks
// like the search for X of a pod in that namespace. Where there is no domain that X.NAMESPACE could be in, nobody has a
// use for it, and muslsafe may answer for X; see the README of the plugin.
func (c cluster) isDoubtful(name string) bool {
	l := dns.SplitDomainName(strings.TrimSuffix(strings.TrimSuffix(name, clusterDomain), "svc."))
	return len(l) >= 3 && c.exists(l[len(l)-1]+".svc."+clusterDomain)
}

// TestCompleteIsTheSearch compares the search that clients do by themselves with the one that complete does for them:
// for random names, in random clusters, by pods of all namespaces, with every model.
func TestCompleteIsTheSearch(t *testing.T) {
	const rounds = 1000
	r := rand.New(rand.NewPCG(seed, 5))
	found, completed, doubtful := 0, 0, 0
	for range rounds {
		c := randomCluster(r)
		if len(c.namespaces) == 0 {
			continue
		}
		asked, namespace := randomName(r), pick(r, c.namespaces)
		if r.IntN(2) == 0 { // what exists is asked for more often than by chance
			asked = randomKey(r, c.names)
		}
		asked = strings.TrimSuffix(strings.TrimSuffix(asked, "d1.test."), ".")
		family := []stub.Family{stub.Both, stub.Both, stub.V4, stub.V6}[r.IntN(4)]
		synctest.Test(t, func(t *testing.T) {
			without := setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n}", c)
			with := setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n complete\n}", c)
			for _, model := range stub.Models() {
				conf := config(t, model, "nameserver 127.0.0.1\nsearch "+namespace+".svc.cluster.local svc.cluster.local cluster.local d1.test d2.test\noptions ndots:5\n")
				own, got := look(model, conf, asked, family, without), look(model, conf, asked, family, with)
				if own.Err == stub.OK {
					found++
				}
				if len(got.Steps) < len(own.Steps) {
					completed++
				}
				isSame := got.Err == own.Err && slices.Equal(sorted(got), sorted(own))
				if !isSame && own.Err != stub.OK && c.isDoubtful(asked+".") {
					doubtful++
					continue
				}
				if !isSame {
					t.Errorf("%s asks for %s (family %v) in %s: %v %v; its own search has %v %v\nin %v", model.Name, asked, family, namespace, got.Err, sorted(got), own.Err, sorted(own), c)
				}
			}
			time.Sleep(time.Minute)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d lookups found an address, %d in fewer steps; %d are in doubt", found, completed, doubtful)
	if completed < rounds/10 || doubtful > rounds/10 {
		t.Errorf("%d lookups had fewer steps, %d are in doubt; want many, and few", completed, doubtful)
	}
}

func randomKey(r *rand.Rand, names map[string][2]upstream.Answer) string {
	var keys []string
	for name := range names {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return pick(r, keys)
}

func sorted(r stub.Result) []string {
	var text []string
	for _, addr := range slices.Concat(r.V4, r.V6) {
		text = append(text, fmt.Sprint(addr))
	}
	slices.Sort(text)
	return text
}

var _ plugin.Handler = cluster{}
