package packets

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var record = flag.Bool("record", false, "record traffic anew, in place of "+recordedFile)

const comment = `# Recorded by: go test ./test/packets -run TestRecord -record
# Between the clients and a CoreDNS with muslsafe in report stood a tap, and another one between that and its upstreams:
# dnsmasq, unbound, and a CoreDNS with a cluster zone. world_test.go and clients_test.go have it all. Every name and address is made up.
# Packets that differ in the ID alone are there once, with all who sent them.
`

// recorder writes down what passes its taps.
type recorder struct {
	traffic
	t      *testing.T
	mu     sync.Mutex
	client string            // that runs now
	seen   map[string]*query // by the network and the packet without its ID
}

// fromClient hands the packet of a client on.
func (rec *recorder) fromClient(network string, packet []byte) []byte {
	rec.note(network, bytes.Clone(packet))
	reply, err := exchange(network, recorded, packet)
	if err != nil {
		rec.t.Errorf("%x: %v", packet, err)
	}
	return reply
}

func (rec *recorder) note(network string, packet []byte) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	key := network + string(packet[min(2, len(packet)):])
	q := rec.seen[key]
	if q == nil {
		q = &query{network: network, packet: packet}
		rec.seen[key] = q
		rec.queries = append(rec.queries, q)
	}
	if !slices.Contains(q.clients, rec.client) {
		q.clients = append(q.clients, rec.client)
	}
}

// toUpstream asks the upstream that knows the name, over UDP and TCP, whatever CoreDNS asks over.
func (rec *recorder) toUpstream(network string, packet []byte) (reply []byte) {
	r := new(dns.Msg)
	if err := r.Unpack(packet); err != nil || len(r.Question) != 1 {
		return nil
	}
	for _, over := range []string{"udp", "tcp"} {
		answer, err := exchange(over, serverOf(r.Question[0].Name), packet)
		if err != nil {
			rec.t.Errorf("%v over %s: %v", r.Question[0], over, err)
			return nil
		}
		if over == network {
			reply = answer
		}
		rec.mu.Lock()
		if q := questionOf(over, r); rec.answers[q] == nil {
			rec.answers[q] = append([]byte{0, 0}, answer[2:]...)
		}
		rec.mu.Unlock()
	}
	return reply
}

// as has a client do something. It may find nothing, but it must run.
func (rec *recorder) as(client string, do func() error) {
	rec.mu.Lock()
	rec.client = client
	rec.mu.Unlock()
	err := do()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		rec.t.Errorf("%s: %v", client, err)
	}
}

// TestRecord records the traffic, if that is asked for. It needs a lab, and all that test/install.sh installs.
func TestRecord(t *testing.T) {
	if !*record {
		return
	}
	lab.Require(t)
	lab.Dnsmasq(t, internetConfig+chainOfAliases())
	lab.Unbound(t, companyConfig+manyAddresses()+companyForward)
	lab.CoreDNS(t, "cluster.local {\n bind 127.0.0.4\n file cluster.zone\n}\n", map[string]string{"cluster.zone": clusterZone})
	rec := &recorder{t: t, traffic: traffic{answers: make(map[question][]byte)}, seen: make(map[string]*query)}
	serve(t, upstreamTap, rec.toUpstream)
	// Without ipv4only, which would not ask for AAAA.
	fixes := slices.DeleteFunc(slices.Clone(allFixes), func(fix string) bool { return fix == "ipv4only" })
	lab.CoreDNS(t, ". {\n bind 127.0.0.8\n"+plugin(fixes, domains, "report")+fmt.Sprintf(behind, upstreamTap)+"}\n", nil)
	serve(t, clientTap, rec.fromClient)

	rec.libraries()
	rec.tools()
	rec.forwarders()
	rec.mu.Lock() // what muslsafe still asks comes too late
	defer rec.mu.Unlock()
	if t.Failed() {
		return
	}
	if err := rec.write(comment); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d queries, %d answers", len(rec.queries), len(rec.answers))
}
