package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	color "github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// TestStatusOfCluster has what is said before a cluster is asked. What is said of one is for the tests with a cluster.
func TestStatusOfCluster(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("PATH", t.TempDir())
	checkStatus(t, []statusCase{
		{"no kubectl", []string{"cluster"}, "", 2, "", "doctor: kubectl is not in the PATH: install it"},
		{"names without a probe", []string{"cluster", "www.example.org"}, "", 2, "", `"www.example.org" is looked up in pods; expect --probe or --probe-pod POD`},
		{"nodes without a probe", []string{"cluster", "--node", "node-1"}, "", 2, "", "--node without --probe; expect both"},
		{"too little time", []string{"cluster", "--probe", "--wait", "1ms"}, "", 2, "", "invalid wait 1ms; expect 1s to 1h"},
		{"no image", []string{"cluster", "--probe", "--image", ""}, "", 2, "", `invalid image ""; expect a name such as`},
		{"a kubeconfig", []string{"cluster", "--kubeconfig", missing}, "", 2, "", "kubectl is not in the PATH"},
		{"help", []string{"cluster", "--help"}, "", 0, "doctor cluster --probe www.example.org", ""},
	})
}

// asPlugin runs doctor by the name of a plugin of kubectl.
func asPlugin(program string, args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = runAs(program, args, strings.NewReader(good), &o, &e)
	return status, o.String(), e.String()
}

func TestPlugin(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tests := []struct {
		about, program string
		args           []string
		status         int
		want           string
	}{
		{"it is doctor cluster", "kubectl-muslsafe", nil, 2, "kubectl is not in the PATH"},
		{"as kubectl calls it", "/home/user/.krew/bin/kubectl-muslsafe", []string{"--context", "x"}, 2, "kubectl is not in the PATH"},
		{"on Windows", "kubectl-muslsafe.exe", []string{"-json"}, 2, "kubectl is not in the PATH"},
		{"by the name in the documents", "kubectl-muslsafe", []string{"cluster"}, 2, "kubectl is not in the PATH"},
		{"and with its flags", "kubectl-muslsafe", []string{"cluster", "--node", "a"}, 2, "--node without --probe"},
		{"other commands", "kubectl-muslsafe", []string{"corefile", "-"}, 0, "nothing that harms musl"},
		{"flags of all commands", "kubectl-muslsafe", []string{"corefile", "--json", "-"}, 0, `"findings": []`},
		{"help", "kubectl-muslsafe", []string{"--help"}, 0, "kubectl muslsafe --probe www.example.org"},
		{"help on a command", "kubectl-muslsafe", []string{"trace", "--help"}, 0, "kubectl muslsafe trace NAME"},
		{"version", "kubectl-muslsafe", []string{"--version"}, 0, "kubectl muslsafe version dev"},
		{"completion of a command", "kubectl_complete-muslsafe", []string{"tr"}, 0, "trace\tShow one lookup"},
		{"completion of a flag", "kubectl_complete-muslsafe", []string{"--probe"}, 0, "--probe-pod\t"},
		{"completion of values", "kubectl_complete-muslsafe", []string{"trace", "--libc", "musl-1.2.3"}, 0, "musl-1.2.3\n"},
		{"completion that needs a cluster", "kubectl_complete-muslsafe", []string{"--context", ""}, 0, ":1\n"},
		{"any other name", "/usr/local/bin/dr", []string{"--version"}, 0, "doctor version"},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			status, out, errs := asPlugin(tc.program, tc.args...)
			if status != tc.status || !strings.Contains(out+errs, tc.want) {
				t.Errorf("%s %q = %d; want %d, and %q in:\n%s%s", tc.program, tc.args, status, tc.status, tc.want, out, errs)
			}
		})
	}
}

func TestClusterStatus(t *testing.T) {
	hazard, advice := cluster.Finding{Level: lint.Hazard}, cluster.Finding{Level: lint.Advice}
	lack := []cluster.Lack{{What: "nodes", Why: "no right to list nodes at the cluster scope"}}
	probe := func(status string) []cluster.Probe {
		return []cluster.Probe{{Names: []cluster.ProbeName{{Status: status}}}}
	}
	tests := []struct {
		about  string
		report cluster.Report
		want   error
	}{
		{"nothing", cluster.Report{Probes: probe("healthy")}, nil},
		{"advice", cluster.Report{Findings: []cluster.Finding{advice}}, nil},
		{"a hazard", cluster.Report{Findings: []cluster.Finding{advice, hazard}}, status(hazards)},
		{"a hazard, and a right that is missing", cluster.Report{Findings: []cluster.Finding{hazard}, Lacking: lack}, status(hazards)},
		{"a right that is missing", cluster.Report{Findings: []cluster.Finding{advice}, Lacking: lack}, status(unclear)},
		{"a name that breaks in a pod", cluster.Report{Probes: probe("hazards"), Lacking: lack}, status(hazards)},
		{"a name of which nothing can be told", cluster.Report{Probes: probe("unclear")}, status(unclear)},
		{"a node that does not answer", cluster.Report{Probes: []cluster.Probe{{Error: "it is not ready"}}}, status(unclear)},
	}
	for _, tc := range tests {
		if got := clusterStatus(tc.report); got != tc.want {
			t.Errorf("%s: %v; want %v", tc.about, got, tc.want)
		}
	}
}

// TestClusterText compares the text of a report with what was found to be right, and its JSON with itself.
func TestClusterText(t *testing.T) {
	text, err := os.ReadFile("testdata/cluster.json")
	if err != nil {
		t.Fatal(err)
	}
	var r cluster.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	color.DisableColors()
	var b bytes.Buffer
	if err := writeCluster(&b, r); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/cluster.golden"
	if *updateGolden {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("report\n%s\nwant that in %s (go test -update writes it anew), %v", b.String(), golden, err)
	}
	b.Reset()
	if err := encode(&b, r); err != nil || b.String() != string(text) {
		t.Errorf("JSON, %v\n%s\nwant the one that it was read from", err, b.String())
	}
}

func TestTargets(t *testing.T) {
	tests := []struct {
		about string
		given []string
		nodes []cluster.Node
		want  string
	}{
		{"no right to list them", nil, nil, "[] 0 --probe needs the names of the nodes, and there is no right to list nodes; expect --node with some of them"},
		{"no right to list them, and some given", []string{"node-1"}, nil, "[node-1] 0 <nil>"},
		{"no nodes", nil, []cluster.Node{}, "[] 0 <nil>"},
		{"one that is not ready", nil, []cluster.Node{{}}, "[] 1 <nil>"},
	}
	for _, tc := range tests {
		targets, others, err := (&clusterOptions{nodes: tc.given}).targets(tc.nodes)
		if got := fmt.Sprint(targets, " ", len(others), " ", err); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.about, got, tc.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb": "a\nb", "\x1b[31mred\x1b[0m": "\x1b[31mred\x1b[0m", "\x1b[2J": "\uFFFD[2J", "\x1b]0;title\a": "\uFFFD]0;title\uFFFD",
		"a\rb\tc": "a\uFFFDb\uFFFDc", "\u009b2J": "\uFFFD2J", "┌─┐ ä": "┌─┐ ä",
	} {
		if got := harmless(text); got != want {
			t.Errorf("harmless(%q) = %q; want %q", text, got, want)
		}
	}
}
