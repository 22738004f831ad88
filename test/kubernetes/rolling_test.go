package kubernetes

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// steps is how often Services and endpoints change.
const steps = 50

// rollout is the state of the endpoints of Service web, whose addresses are numbers that only grow.
type rollout struct {
	oldest, newest atomic.Int32 // the first that DNS may still give, the last that it may give already
	lookups        atomic.Int32
	over           atomic.Bool
}

// TestRollingChange changes Services, endpoints and the slices they are in, while pods look up a Service that stays and
// one whose endpoints are replaced before the old ones go. Nobody sees a wrong address, or none.
func TestRollingChange(t *testing.T) {
	startNode(t)
	c := startCluster(t)
	lab.ResolvConf(t, world.NodeResolvConf)
	lab.CoreDNS(t, world.Company, map[string]string{"example.org.zone": world.CompanyZone})
	c.apply(t, parse(t, world.Manifests))
	installReplace(t, c)
	client := newPod(t, "client", clientIP, podResolvConf(world.ClusterDNS))

	r := new(rollout)
	r.oldest.Store(10) // as in the world
	r.newest.Store(10)
	var lookers sync.WaitGroup
	for _, l := range lab.Libcs(t) {
		lookers.Go(func() { r.lookUp(t, client, l) })
	}
	lookers.Go(func() { r.query(t) })
	for i := range steps {
		r.step(t, c, i)
	}
	r.over.Store(true)
	lookers.Wait()
	if n := r.lookups.Load(); n < steps {
		t.Errorf("%d lookups during %d changes", n, steps)
	}
	t.Logf("%d lookups during %d changes", r.lookups.Load(), steps)
}

// step replaces an endpoint by the next one, and a slice by another one every time.
func (r *rollout) step(t *testing.T, c *cluster, i int) {
	t.Helper()
	last := r.newest.Add(1)
	c.slice(t, i, last-1, last)
	c.slice(t, i+1, last)
	r.await(t, last-1, last)
	slices := c.client.DiscoveryV1().EndpointSlices("dnscheck")
	if err := slices.Delete(t.Context(), sliceName(i), meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.await(t, last)
	r.oldest.Store(last)

	// Other Services come and go; the one that stays gets another port and label.
	c.apply(t, parse(t, fmt.Sprintf(changingServices, i, i)))
	if i > 0 {
		if err := c.client.CoreV1().Services("dnscheck").Delete(t.Context(), fmt.Sprintf("other-%d", i-1), meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

const changingServices = `apiVersion: v1
kind: Service
metadata: {name: other-%d, namespace: dnscheck}
spec: {ports: [{port: 80, protocol: TCP}]}
---
apiVersion: v1
kind: Service
metadata: {name: httpd, namespace: dnscheck, labels: {step: "%d"}}
spec:
  clusterIP: 10.96.7.7
  ports: [{name: http, port: 80, protocol: TCP}]
`

func sliceName(i int) string { return fmt.Sprintf("web-%d", i+1) }

// slice makes an EndpointSlice of Service web with these endpoints, or changes it.
func (c *cluster) slice(t *testing.T, i int, endpoints ...int32) {
	t.Helper()
	var list []string
	for _, e := range endpoints {
		list = append(list, fmt.Sprintf("{addresses: [192.0.2.%d], hostname: web-%d, conditions: {ready: true}}", e, e))
	}
	c.apply(t, parse(t, fmt.Sprintf(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s, namespace: dnscheck, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [%s]
`, sliceName(i), strings.Join(list, ", "))))
}

// await waits until DNS gives these endpoints of Service web and no other.
func (r *rollout) await(t *testing.T, endpoints ...int32) {
	t.Helper()
	eventually(t, fmt.Sprintf("endpoints %d", endpoints), func() error {
		m, err := exchange("web.dnscheck.svc.cluster.local.", dns.TypeA)
		if err != nil {
			return err
		}
		var got []int32
		for _, rr := range m.Answer {
			got = append(got, number(rr.(*dns.A).A.String()))
		}
		if slices.Sort(got); !slices.Equal(got, endpoints) {
			return fmt.Errorf("endpoints %d", got)
		}
		return nil
	})
}

// lookUp looks both Services up with a libc in a pod until the rollout is over.
func (r *rollout) lookUp(t *testing.T, client *pod, l lab.Libc) {
	for !r.over.Load() {
		oldest := r.oldest.Load()
		a := client.look(t, l, "web")
		if a.Err != "OK" || !r.were(oldest, a.Addrs) {
			t.Errorf("%s: web = %s %v; want some of 192.0.2.%d and later", l.Name, a.Err, a.Addrs, oldest)
		}
		if a := client.look(t, l, "httpd.dnscheck"); a.Err != "OK" || !slices.Equal(a.Addrs, []string{"10.96.7.7"}) {
			t.Errorf("%s: httpd.dnscheck = %s %v; want 10.96.7.7", l.Name, a.Err, a.Addrs)
		}
		r.lookups.Add(2)
	}
}

// query asks for all four halves until the rollout is over.
func (r *rollout) query(t *testing.T) {
	for !r.over.Load() {
		for _, name := range []string{"web.dnscheck.svc.cluster.local.", "httpd.dnscheck.svc.cluster.local."} {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
				m, err := exchange(name, qtype)
				if err != nil || m.Rcode != dns.RcodeSuccess || (len(m.Answer) > 0) != (qtype == dns.TypeA) {
					t.Errorf("%s %s: %v, %v; want NOERROR, and an address for A", name, dns.TypeToString[qtype], m, err)
				}
				r.lookups.Add(1)
			}
		}
	}
}

// were reports whether all these addresses, at least one, belonged to endpoints since the oldest.
func (r *rollout) were(oldest int32, addrs []string) bool {
	newest := r.newest.Load()
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(addr string) bool {
		n := number(addr)
		return n < oldest || n > newest
	})
}

// number is the last byte of an address.
func number(addr string) int32 {
	return int32(netip.MustParseAddr(addr).As4()[3])
}

func exchange(name string, qtype uint16) (*dns.Msg, error) {
	return dns.Exchange(new(dns.Msg).SetQuestion(name, qtype), net.JoinHostPort(world.ClusterDNS, "53"))
}
