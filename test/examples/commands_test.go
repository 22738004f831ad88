package examples

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// notExecutable lists the commands in documents that no test can execute here, each with the reason.
var notExecutable = map[string]string{
	"make run":  "serves until it is interrupted; TestBuiltIn starts the same server by its binary",
	"make test": "is what runs these tests",
}

// executed are the documents whose sh blocks other tests execute, each with those tests. What is not executable on the pages of
// platforms is listed in test/kubernetes/commands_test.go.
var executed = map[string]string{
	"build/kustomize/README.md":               "TestDocuments in test/kubernetes, and TestShapes in test/kubernetes/cluster",
	"build/kustomize/overlays/pods/README.md": "TestCommands in test/kubernetes, and TestPods in test/kubernetes/cluster",
	"build/doctor/README.md":                  "TestManualCommands in test/doctor",
	"corefile-examples/docker/README.md":      "TestDocument in test/docker",
	"corefile-examples/host/README.md":        "the tests in test/host",
	".github/SECURITY.md":                     "TestSums in test/release",
}

// commanded are the documents whose commands are executed here or listed above.
var commanded = []string{
	"README.md", "plugin/muslsafe/README.md", "corefile-examples/README.md", "build/chain/README.md", "build/observe/README.md",
	".github/CONTRIBUTING.md",
}

// TestDocumentedCommands executes the commands that the documents show, against the server that "make run" starts.
func TestDocumentedCommands(t *testing.T) {
	lab.Require(t)
	lab.LookPath(t, "dig")
	lab.ResolvConf(t, "nameserver 192.0.2.53\n")
	lab.CoreDNS(t, "example.org {\n bind 192.0.2.53\n hosts {\n 192.0.2.80 example.org\n }\n}\n", nil)
	lab.Run(t, t.TempDir())
	want := map[string]string{
		"dig @127.0.0.1 -p 1053 example.org":                                  "\t192.0.2.80\n",
		"dig @127.0.0.1 -p 1053 httpd.dnscheck.svc.cluster.local.example.com": "muslsafe leak",
	}
	unseen := make(map[string]bool)
	for command := range notExecutable {
		unseen[command] = true
	}
	for _, document := range commanded {
		for _, command := range commandsOf(t, document) {
			if notExecutable[command] != "" {
				delete(unseen, command)
				continue
			}
			if want[command] == "" {
				t.Errorf("%s: no test executes %q; want it here, or in the list of commands that cannot be executed", document, command)
				continue
			}
			out, err := exec.Command("/bin/sh", "-ec", command).CombinedOutput()
			if err != nil || !strings.Contains(string(out), want[command]) {
				t.Errorf("%s: %s: %v\n%s\nwant %q", document, command, err, out, want[command])
			}
			delete(want, command)
		}
	}
	if len(unseen)+len(want) > 0 {
		t.Errorf("no document shows these any more: %v %v", unseen, want)
	}
}

// commandsOf returns the commands in the sh blocks of a document, line by line.
func commandsOf(t *testing.T, document string) (commands []string) {
	t.Helper()
	for _, block := range lab.Fenced(t, filepath.Join(root, document), "sh") {
		for line := range strings.Lines(block) {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	return commands
}

// TestEveryDocumentIsCovered holds that no document with commands is forgotten, but those of other tests.
func TestEveryDocumentIsCovered(t *testing.T) {
	for _, path := range documents(t) {
		document, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(commanded, document) || executed[document] != "" || filepath.Dir(document) == "build/kustomize/platforms" {
			continue
		}
		if commands := commandsOf(t, document); len(commands) > 0 {
			t.Errorf("%s shows %q; want the document in one of the lists of this file", document, commands[0])
		}
	}
}
