package capture

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var example = flag.String("example", "", "record the example of doctor into this file")

// TestExample records lookups of three libcs in a pod, if that is asked for:
//
//	go test ./test/capture -run TestExample -args -example $PWD/build/doctor/testdata/example.pcap && gzip -9n build/doctor/testdata/example.pcap
func TestExample(t *testing.T) {
	if *example == "" {
		return
	}
	lab.Require(t)
	host := func(name string, net byte, a, aaaa upstream.Answer) upstream.Zone {
		return upstream.Zone{Name: name, Net: net, Host: true, A: upstream.Behaviour{Answer: a}, AAAA: upstream.Behaviour{Answer: aaaa}}
	}
	script := &upstream.Script{Zones: []upstream.Zone{
		host("www.example.org.", 1, upstream.Data, upstream.Data),
		host("v4only.example.org.", 2, upstream.Data, upstream.NXDomain),
		host("lb.example.org.", 3, upstream.Data, upstream.ServFail),
		host("web.shop.svc.cluster.local.", 4, upstream.Data, upstream.NoData),
		{Name: "corp.example.com.", A: upstream.Behaviour{Answer: upstream.NoData}, AAAA: upstream.Behaviour{Answer: upstream.NoData}},
	}}
	var cells []*cell
	for i, libc := range lab.Libcs(t) {
		if libc.Name == "musl 1.2.2" || libc.Name == "musl 1.2.6" {
			continue
		}
		client := netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)})
		upstream.Start(t, netip.AddrPortFrom(client, 53).String(), script)
		search := "search shop.svc.cluster.local svc.cluster.local cluster.local"
		jail := lab.NewJail(t, fmt.Sprintf("nameserver %s\n%s\noptions ndots:5\n", client, search))
		for _, name := range []string{"www.example.org", "web", "v4only.example.org", "lb.example.org"} {
			cells = append(cells, &cell{libc: libc, jail: jail, client: client, name: name})
		}
		company := lab.NewJail(t, fmt.Sprintf("nameserver %s\n%s corp.example.com\noptions ndots:5\n", client, search))
		cells = append(cells, &cell{libc: libc, jail: company, client: client, name: "web.shop.svc.cluster.local"})
	}
	r := record(t)
	look := func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) }
	lab.AtOnce(1, cells, look)
	time.Sleep(6 * time.Second) // so that all of them are over
	look(cells[0])
	for _, c := range cells {
		if c.err != nil {
			t.Fatal(c.err)
		}
	}
	if err := os.WriteFile(*example, r.stop(t), 0o644); err != nil {
		t.Fatal(err)
	}
}
