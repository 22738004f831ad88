package observe

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// watched is a server with an upstream that gives every fix of the default something to do, and one name to wait for.
const watched = `. {
	bind 127.0.0.1
	prometheus 127.0.0.1:9153
	muslsafe {
		search corp.example.com wild.example.com
		clients
		%s
	}
	cache 30
	forward . 127.0.0.2
}
`

const upstream = `. {
	bind 127.0.0.2
	template IN A example.org {
		match ^www
		answer "{{ .Name }} 60 IN A 192.0.2.80"
		fallthrough
	}
	template IN ANY corp.example.com {
		authority "corp.example.com. 60 IN SOA ns.example.com. dns.example.com. 1 7200 1800 86400 60"
	}
	template IN AAAA lb.example.net {
		rcode REFUSED
	}
	template IN A lb.example.net {
		answer "{{ .Name }} 60 IN A 192.0.2.81"
	}
	template IN ANY . {
		rcode NXDOMAIN
		authority ". 60 IN SOA ns.example.org. dns.example.org. 1 7200 1800 86400 60"
	}
}
`

// load asks for a name of each kind once, A and AAAA from one socket.
func load(t *testing.T, round int) {
	t.Helper()
	for _, name := range []string{"www%d.example.org.", "db%d.corp.example.com.", "x%d.lb.example.net.", "a%d.b.svc.cluster.local.example.com.", "n%d.example.org."} {
		if _, _, err := lab.Pair(fmt.Sprintf(name, round)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// startPrometheus starts the real one, with the rules, on what the server tells.
func startPrometheus(t *testing.T) {
	t.Helper()
	binary := lab.LookPath(t, "prometheus")
	rules, err := filepath.Abs(observe + "rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [" + rules + "]\n" +
		"scrape_configs: [{job_name: coredns, static_configs: [{targets: ['127.0.0.1:9153']}]}]\n"
	lab.WriteFile(t, filepath.Join(dir, "prometheus.yml"), config)
	lab.Start(t, "Server is ready to receive web requests", exec.Command(binary, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:9090"))
}

// value asks Prometheus, and returns the first number that is one.
func value(t *testing.T, expr string) (float64, bool) {
	t.Helper()
	body := lab.Get(t, "http://127.0.0.1:9090/api/v1/query?query="+url.QueryEscape(expr))
	var reply struct {
		Status string
		Data   struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &reply); err != nil || reply.Status != "success" {
		t.Fatalf("%s: %v: %s", expr, err, body)
	}
	for _, r := range reply.Data.Result {
		text, _ := r.Value[1].(string)
		if n, err := strconv.ParseFloat(text, 64); err == nil && n == n { // not NaN
			return n, true
		}
	}
	return 0, false
}

// expressions returns all that the dashboard asks for, and the names of the recording rules.
func expressions(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(lab.ReadFile(t, observe+"dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	list := found(`record: (\S+)`, lab.ReadFile(t, observe+"rules.yaml"))
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Error("the dashboard has a panel without an expression")
		}
		for _, target := range panel.Targets {
			list = append(list, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}
	return list
}

// TestDashboard has Prometheus watch a server under load until each expression of the dashboard, and each recording
// rule, has a number.
func TestDashboard(t *testing.T) {
	lab.Require(t)
	lab.LookPath(t, "prometheus")
	lab.CoreDNS(t, upstream, nil)
	lab.CoreDNS(t, fmt.Sprintf(watched, ""), nil)
	startPrometheus(t)

	open := expressions(t)
	if len(open) < 10 {
		t.Fatalf("%d expressions; want all of the dashboard and the rules", len(open))
	}
	deadline := time.Now().Add(time.Minute)
	for round := 0; len(open) > 0; round++ {
		if time.Now().After(deadline) {
			t.Fatalf("no data for\n%s", strings.Join(open, "\n"))
		}
		load(t, round)
		if _, ok := value(t, open[0]); ok {
			open = open[1:]
		}
	}
}
