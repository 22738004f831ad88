package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// tiny is enough to see that everything runs; its figures mean nothing.
var tiny = scale{rounds: 1, leaks: 100, warm: 30 * time.Millisecond, cold: 20, hot: 10, distinct: 200}

// TestRun measures each peer a little. All answers must be right, and what is no matter of speed must be as promised.
func TestRun(t *testing.T) {
	for _, program := range []string{"unbound", "dnsmasq", "dnsperf"} {
		if _, err := find(program); err != nil {
			lab.Skip(t, err.Error())
		}
	}
	log.SetOutput(t.Output())
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	chosen := slices.DeleteFunc(slices.Clone(peers), func(p peer) bool { return p.guard })
	what, err := choose("leaks,lookups,memory", parts, func(p part) string { return p.name })
	if err != nil {
		t.Fatal(err)
	}
	r, err := run(options{scale: tiny, peers: chosen, parts: what})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if row.Medians["wrong"] != 0 || row.Medians["perSecond"] <= 0 {
			t.Errorf("%s of %s, %s: %v; want right answers alone", row.Part, row.Peer, row.Case, row.Medians)
		}
	}
	for _, want := range []struct {
		part, peer, name, figure string
		value                    float64
	}{
		{"leaks", "stock", "", "leaked", 1},
		{"leaks", "muslsafe", "", "leaked", 0},
		{"leaks", "complete", "", "leaked", 0},
		{"lookups", "stock", "external warm", "packets", 10},
		{"lookups", "stock", "external cold", "upstream", 4},
		{"lookups", "stock", "short cold", "packets", 2},
		{"lookups", "muslsafe", "full warm", "packets", 10},
		{"lookups", "complete", "external warm", "packets", 2},
		{"lookups", "stock", "domain warm", "packets", 10},
		{"lookups", "complete", "domain warm", "packets", 2},
		{"lookups", "stock", "namespaced cold", "packets", 4},
		{"lookups", "complete", "namespaced warm", "packets", 2},
	} {
		if got, ok := r.get(want.part, want.peer, want.name, want.figure); !ok || got != want.value {
			t.Errorf("%v = %v, %v", want, got, ok)
		}
	}
	dir := t.TempDir()
	if err := r.writeAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"results.md", "results.json", "packets.svg", "cpu.svg"} {
		if text, err := os.ReadFile(dir + "/" + file); err != nil || !strings.Contains(string(text), "unbound") {
			t.Errorf("%s: %v; want unbound in it", file, err)
		}
	}
}

// TestWrongAnswers looks names up at a server that gives every name the same addresses, and at none at all.
func TestWrongAnswers(t *testing.T) {
	u, err := startUpstream()
	if err != nil {
		t.Fatal(err)
	}
	right := targets("external", 4)
	wrong := slices.Clone(right)
	wrong[1].v6 = wrong[0].v6 // what is expected is wrong in one half of one name
	wrong[2].v4 = wrong[0].v4
	for _, tc := range []struct {
		about   string
		targets []target
		wrong   int
	}{
		{"right", right, 0},
		{"others than expected", wrong, 2},
		{"denied", []target{{name: "www.example.org", v4: right[0].v4, v6: right[0].v6}}, 1},
		{"found though absent", []target{{name: right[0].name}}, 1},
	} {
		o := load{targets: tc.targets, clients: 2}.run(u.port())
		if o.lookups != len(tc.targets) || o.wrong != tc.wrong {
			t.Errorf("%s: %d of %d wrong; want %d", tc.about, o.wrong, o.lookups, tc.wrong)
		}
	}
	port := u.port()
	u.conn.Close()
	if r, _ := newResolver(port, 0).Lookup("www.example.com."); r.Err != stub.Again {
		t.Errorf("without a server = %v; want %v", r.Err, stub.Again)
	}
}

func TestUpstream(t *testing.T) {
	v4, v6 := lab.AddressesOf("www1.example.com")
	for _, tc := range []struct {
		name  string
		qtype uint16
		rcode int
		data  string
	}{
		{"www1.example.com.", dns.TypeA, dns.RcodeSuccess, v4.String()},
		{"WWW1.example.com.", dns.TypeAAAA, dns.RcodeSuccess, v6.String()},
		{"www1.example.com.", dns.TypeMX, dns.RcodeSuccess, ""},
		{"www1.example.com.corp.example.org.", dns.TypeA, dns.RcodeNameError, ""},
	} {
		q, err := new(dns.Msg).SetQuestion(tc.name, tc.qtype).SetEdns0(1232, false).Pack()
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(replyTo(q)); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		data := ""
		if len(m.Answer) == 1 {
			data = strings.TrimPrefix(m.Answer[0].String(), m.Answer[0].Header().String())
		}
		if m.Rcode != tc.rcode || data != tc.data || len(m.Answer)+len(m.Ns) != 1 {
			t.Errorf("%s %s = %v", tc.name, dns.TypeToString[tc.qtype], m)
		}
	}
	for _, broken := range []string{"", "short", strings.Repeat("\x00", headerSize), strings.Repeat("\xff", 40)} {
		if reply := replyTo([]byte(broken)); reply != nil {
			t.Errorf("%q = %q; want silence", broken, reply)
		}
	}
}

// TestReadme compares what the documents show with the results that are checked in.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("results.json")
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, table, _, ok := aroundTable(string(readme)); !ok || strings.TrimSpace(table) != strings.TrimSpace(r.summary()) {
		t.Errorf("table of the README:\n%s\nwant that of results.json:\n%s", table, r.summary())
	}
	page, err := os.ReadFile("results.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := r.markdown(); err != nil || string(page) != want {
		t.Errorf("results.md is not that of results.json, %v; make bench writes both", err)
	}
}

// TestAutoscalers compares what the plan says of the autoscalers with their manifests.
func TestAutoscalers(t *testing.T) {
	const kustomize = "../../build/kustomize/"
	for _, tc := range []struct {
		file, pattern string
		want          float64
	}{
		{"base/deployment.yaml", `cpu: (\d+)m`, requested * 1000},
		{"base/deployment.yaml", `replicas: (\d+)`, fewestServers},
		{"components/hpa/horizontalpodautoscaler.yaml", `averageUtilization: (\d+)`, utilization * 100},
		{"components/hpa/horizontalpodautoscaler.yaml", `minReplicas: (\d+)`, fewestServers},
		{"components/hpa/horizontalpodautoscaler.yaml", `maxReplicas: (\d+)`, mostServers},
		{"components/proportional/configmap.yaml", `"nodesPerReplica": (\d+)`, nodesPerServer},
	} {
		m := regexp.MustCompile(tc.pattern).FindStringSubmatch(lab.ReadFile(t, kustomize+tc.file))
		if m == nil || m[1] != fmt.Sprint(tc.want) {
			t.Errorf("%s has %q; want %v, as in the plan", tc.file, m, tc.want)
		}
	}
}
