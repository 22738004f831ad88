package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// override is what LocalDNS is told of a zone, by the names that AKS documents.
type override struct {
	QueryLogging                string `json:"queryLogging"`
	Protocol                    string `json:"protocol"`
	ForwardDestination          string `json:"forwardDestination"`
	ForwardPolicy               string `json:"forwardPolicy"`
	MaxConcurrent               int    `json:"maxConcurrent"`
	CacheDurationInSeconds      int    `json:"cacheDurationInSeconds"`
	ServeStale                  string `json:"serveStale"`
	ServeStaleDurationInSeconds int    `json:"serveStaleDurationInSeconds"`
}

// published is what AKS documents as the default for pods with dnsPolicy ClusterFirst.
func published() map[string]override {
	root := override{
		QueryLogging: "Error", Protocol: "PreferUDP", ForwardDestination: "ClusterCoreDNS", ForwardPolicy: "Sequential", MaxConcurrent: 1000,
		CacheDurationInSeconds: 3600, ServeStale: "Immediate", ServeStaleDurationInSeconds: 3600,
	}
	cluster := root
	cluster.Protocol = "ForceTCP"
	return map[string]override{".": root, "cluster.local": cluster}
}

// onPage is what the page for AKS adds to that.
func onPage(t *testing.T) map[string]override {
	t.Helper()
	blocks := lab.Fenced(t, "../../build/kustomize/platforms/aks.md", "json")
	if len(blocks) != 1 {
		t.Fatalf("the page has %d blocks of JSON; want the one for LocalDNS", len(blocks))
	}
	var page struct{ KubeDNSOverrides map[string]override }
	decoder := json.NewDecoder(strings.NewReader(blocks[0]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&page); err != nil {
		t.Fatal(err)
	}
	if _, ok := page.KubeDNSOverrides["corp.example.com"]; !ok {
		t.Fatalf("the page has %v; want something for corp.example.com", page.KubeDNSOverrides)
	}
	all := published()
	maps.Copy(all, page.KubeDNSOverrides)
	return all
}

// localDNS says the same to CoreDNS, which LocalDNS is, at an address in front of 127.0.0.5. What it has for the domains of
// Azure is left out.
func localDNS(t *testing.T, addr string, zones map[string]override) string {
	t.Helper()
	var text strings.Builder
	for _, zone := range slices.Sorted(maps.Keys(zones)) {
		o := zones[zone]
		fmt.Fprintf(&text, `%s {
    %s
    bind %s
    forward . %s {
        %s
        policy %s
        max_concurrent %d
    }
    cache %d {
        success 9984
        denial 9984
        %s
        servfail 0
    }
    loadbalance
    loop
    nsid localdns-pod
}
`, zone, said(t, o.QueryLogging), addr, said(t, o.ForwardDestination), said(t, o.Protocol), said(t, o.ForwardPolicy), o.MaxConcurrent,
			o.CacheDurationInSeconds, strings.ReplaceAll(said(t, o.ServeStale), "SECONDS", fmt.Sprint(o.ServeStaleDurationInSeconds)))
	}
	return text.String()
}

// said returns what a value of LocalDNS is in a Corefile.
func said(t *testing.T, value string) string {
	t.Helper()
	line, ok := map[string]string{
		"Error": "errors", "ClusterCoreDNS": "127.0.0.5", "VnetDNS": "127.0.0.5", "Sequential": "sequential", "PreferUDP": "prefer_udp", "ForceTCP": "force_tcp",
		"Immediate": "serve_stale SECONDSs immediate", "Verify": "serve_stale SECONDSs verify", "Disable": "",
	}[value]
	if !ok {
		t.Fatalf("LocalDNS has no value %q here", value)
	}
	return line
}

// stubZone is the Corefile of the cluster's CoreDNS, with the block that the page puts into coredns-custom; %s is where that
// forwards to.
const stubZone = `
corp.example.com {
    bind 127.0.0.5
    errors
    cache 30 {
        servfail 0
    }
    forward . %s
}
cluster.local {
    bind 127.0.0.5
    file cluster.zone
}
. {
    bind 127.0.0.5
    errors
    cache 30
    forward . 127.0.0.3
}
`

// muslsafeStub is the Corefile of the overlay stub, at 127.0.0.4. Its own denials live as long as those of the zone.
const muslsafeStub = `
corp.example.com {
    bind 127.0.0.4
    errors
    muslsafe {
        search corp.example.com
        ttl 5
    }
    cache 30 {
        servfail 0
    }
    forward . 127.0.0.2
}
`

// startAKS starts all that stands behind pods on AKS: LocalDNS, CoreDNS, and the DNS of the rest of the world. The DNS of the
// nodes is at 127.0.0.2; with is whether muslsafe is between.
func startAKS(t *testing.T, zones map[string]override, with bool) {
	t.Helper()
	behind := "127.0.0.2"
	if with {
		lab.CoreDNS(t, muslsafeStub, nil)
		behind = "127.0.0.4"
	}
	startBehind(t, behind)
	lab.CoreDNS(t, localDNS(t, "127.0.0.1", zones), nil)
}

// startBehind starts what LocalDNS asks, at 127.0.0.5, where the search domain is that of another server.
func startBehind(t *testing.T, search string) {
	t.Helper()
	lab.ResolvConf(t, strings.Replace(resolvConf, "example.com", "corp.example.com", 1))
	lab.Dnsmasq(t, public)
	lab.CoreDNS(t, fmt.Sprintf(stubZone, search), map[string]string{"cluster.zone": clusterZone})
}

// startPods starts the same with muslsafe in front, as in the overlay pods: it asks the LocalDNS that its node asks, and that
// asks the DNS of the network.
func startPods(t *testing.T) {
	t.Helper()
	startBehind(t, "127.0.0.2")
	network := published()["."]
	network.ForwardDestination = "VnetDNS"
	lab.CoreDNS(t, localDNS(t, "127.0.0.6", map[string]override{".": network}), nil)
	lab.CoreDNS(t, inPods, map[string]string{"cluster.zone": clusterZone})
}

// inPods is the Corefile of the overlay pods, with a file in the place of the Kubernetes API.
const inPods = `
(common) {
    bind 127.0.0.1
    errors
    muslsafe {
        search corp.example.com
        ttl 5
    }
}
cluster.local {
    import common
    file cluster.zone
}
. {
    import common
    cache 30 {
        servfail 0
    }
    forward . 127.0.0.6
}
`
