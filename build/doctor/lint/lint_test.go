package lint

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// examples are the Corefiles of this repository.
const examples = "../../../corefile-examples"

// TestGolden compares the findings in stock Corefiles, and in ours, with what was found to be right.
func TestGolden(t *testing.T) {
	t.Setenv("DOCTOR_ZONE", ".")
	tests := []struct {
		file    string
		options Options
	}{
		{file: "testdata/kubeadm.Corefile"},
		{file: "testdata/k3s.Corefile"},
		{file: "testdata/nodelocaldns.Corefile"},
		{file: "testdata/everything.Corefile", options: Options{Search: []string{"corp.example.com"}}},
		{file: "testdata/k3s.yaml"},
		{file: "testdata/custom.yaml"},
		{file: "testdata/aks.yaml", options: Options{Search: []string{"corp.example.com"}, Servers: []string{"127.0.0.53"}}},
	}
	for _, tc := range tests {
		t.Run(filepath.Base(tc.file), func(t *testing.T) {
			compare(t, tc.file+".golden", show(check(t, tc.file, tc.options)))
		})
	}
	corefiles, err := filepath.Glob(examples + "/*/Corefile")
	if err != nil || len(corefiles) < 8 {
		t.Fatalf("examples %v, %v; want all", corefiles, err)
	}
	var all strings.Builder
	for _, file := range corefiles {
		found := check(t, file, Options{})
		for _, f := range found {
			if f.Level == Hazard {
				t.Errorf("an example of ours has a hazard: %+v", f)
			}
		}
		fmt.Fprintf(&all, "== %s\n%s", filepath.Base(filepath.Dir(file)), show(found))
	}
	compare(t, "testdata/examples.golden", all.String())
}

func check(t *testing.T, file string, o Options) []Finding {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	find := Check
	if strings.HasSuffix(file, ".yaml") {
		find = CheckConfigMaps
	}
	all, err := find(file, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// show writes the findings without what is the same for every one of a rule.
func show(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s:%d: %s: %s: %s\n", filepath.Base(f.File), f.Line, f.Level, f.Rule, f.What)
		for line := range strings.Lines(f.Instead + "\n") {
			b.WriteString("    " + line)
		}
	}
	return b.String()
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("findings\n%s\nwant those in %s (go test -update writes it anew):\n%s", got, golden, want)
	}
}

// Every rule finds something in the Corefile that has one of each.
func TestRulesFire(t *testing.T) {
	t.Setenv("DOCTOR_ZONE", ".")
	fired := make(map[string]bool)
	for _, f := range check(t, "testdata/everything.Corefile", Options{}) {
		fired[f.Rule] = true
		if f.Why == "" || f.Instead == "" || f.Line == 0 {
			t.Errorf("%+v; want a line, a reason and an alternative", f)
		}
	}
	if len(fired) != len(rules) {
		t.Errorf("%d rules found something: %v; want all %d", len(fired), fired, len(rules))
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		about, text, want string
		check             func(text string) error
	}{
		{"open brace", ". {\n errors\n", "Corefile:2", corefileError},
		{"empty", "", "no server block", corefileError},
		{"a missing import", ". {\n import nowhere.conf\n}\n", "nowhere.conf", corefileError},
		{"a key without a port", "example.org: {\n errors\n}\n", `"example.org:"`, corefileError},
		{"no YAML", "a: [\n", "map.yaml", configmapError},
		{"no ConfigMap", "kind: Secret\n", "no ConfigMap", configmapError},
		{"no Corefile", "kind: ConfigMap\ndata:\n  a: b\n", "expect an entry Corefile", configmapError},
		{"a broken Corefile", "kind: ConfigMap\nmetadata:\n  name: coredns\ndata:\n  Corefile: |\n    . {\n", "ConfigMap coredns, Corefile: line", configmapError},
	}
	for _, tc := range tests {
		if err := tc.check(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v; want %q in it", tc.about, err, tc.want)
		}
	}
}

// TestBlocks reads what server blocks say, in a Corefile, in what it imports, and in parts without one.
func TestBlocks(t *testing.T) {
	const head = "kind: ConfigMap\nmetadata:\n  name: coredns\ndata:\n  "
	tests := []struct{ about, text, want string }{
		{"all of it", head + "Corefile: |\n    .:53 {\n     muslsafe {\n      search a.example b.example\n      search c.example\n      complete\n     }\n     kubernetes Cluster.Local in-addr.arpa\n     autopath @kubernetes\n     forward . 192.0.2.1 192.0.2.2\n    }\n",
			"[{[.] map[complete:[] search:[a.example b.example c.example]] [cluster.local.] [192.0.2.1 192.0.2.2] true}]"},
		{"nothing", head + "Corefile: |\n    example.org {\n    }\n", "[{[example.org.] map[] [] [] false}]"},
		{"a part", head + "my.override: |\n    forward . 192.0.2.1\n", "[{[.] map[] [] [192.0.2.1] false}]"},
		{"an import", head + "Corefile: |\n    import custom/*.server\n  my.server: |\n    example.org {\n     forward .\n    }\n", "[{[example.org.] map[] [] [] false}]"},
	}
	for _, tc := range tests {
		blocks, err := ConfigMapBlocks("map.yaml", strings.NewReader(tc.text))
		if got := fmt.Sprint(blocks); err != nil || got != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.about, got, err, tc.want)
		}
		if len(blocks) > 0 && (blocks[0].Muslsafe != nil) != blocks[0].Has("complete") {
			t.Errorf("%s: muslsafe %v; want complete in it, or none", tc.about, blocks[0].Muslsafe)
		}
	}
	if _, err := ConfigMapBlocks("map.yaml", strings.NewReader(head+"Corefile: |\n    . {\n")); err == nil || !strings.Contains(err.Error(), "map.yaml: ConfigMap coredns, Corefile: line") {
		t.Errorf("a broken Corefile: %v; want the place", err)
	}
}

func corefileError(text string) error {
	_, err := Check("Corefile", strings.NewReader(text), Options{})
	return err
}

func configmapError(text string) error {
	_, err := CheckConfigMaps("map.yaml", strings.NewReader(text), Options{})
	return err
}

func TestIsLoopback(t *testing.T) {
	for to, want := range map[string]string{
		"127.0.0.53": "53", "127.0.0.1:5353": "5353", "::1": "53", "[::1]:53": "53", "dns://127.0.0.1": "53", "[::1]": "53",
		"192.0.2.1": "", "192.0.2.1:53": "", "/etc/resolv.conf": "", "tls://127.0.0.1": "", "__PILLAR__": "",
	} {
		if port, ok := isLoopback(to); ok != (want != "") || ok && port != want {
			t.Errorf("isLoopback(%s) = %q, %v; want %q", to, port, ok, want)
		}
	}
}

// The resolv.conf of the nodes, and one that a Corefile names, say where forward goes to.
func TestNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("search . corp.example.com\nnameserver 127.0.0.53\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := Node(file)
	if err != nil || fmt.Sprint(o) != "{[corp.example.com] [127.0.0.53]}" {
		t.Errorf("Node = %v, %v", o, err)
	}
	for text, want := range map[string]bool{
		". {\n muslsafe\n forward . " + file + "\n}\n":                   true,
		". {\n muslsafe\n forward . /etc/resolv.conf\n}\n":               true,
		".:5353 {\n muslsafe\n forward . " + file + "\n}\n":              false, // another port
		". {\n bind 192.0.2.1\n muslsafe\n forward . " + file + "\n}\n":  false, // another address
		". {\n muslsafe\n forward . " + file + ".missing 192.0.2.1\n}\n": false,
	} {
		found, err := Check("Corefile", strings.NewReader(text), o)
		loops := slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == "forward-loop" })
		if err != nil || loops != want {
			t.Errorf("%s: loop found %v, %v; want %v", text, loops, err, want)
		}
	}
	if _, err := Node(file + ".missing"); err == nil {
		t.Error("no error for a file that is missing")
	}
}
