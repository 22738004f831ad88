// Package examples starts every Corefile of corefile-examples and of the documents, as it stands, with the binary
// of this repository, and asks it what cases.txt says.
package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const root = "../.."

// TestExamples runs each folder of corefile-examples. Its cases.txt has the questions and answers (see [lab.Ask]) and
// below them, as files in an archive, the world of the example: resolv.conf, cluster.yaml for the Kubernetes API, and
// upstream/ for a CoreDNS behind it.
func TestExamples(t *testing.T) {
	lab.Require(t)
	corefiles, err := filepath.Glob(root + "/corefile-examples/*/Corefile")
	if err != nil || len(corefiles) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, corefile := range corefiles {
		dir := filepath.Dir(corefile)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join(dir, "cases.txt"))
			if err != nil {
				t.Fatal(err)
			}
			furnish(t, archive)
			lab.CoreDNS(t, readFile(t, corefile), nil)
			lab.Ask(t, string(archive.Comment))
		})
	}
}

// furnish builds the world that the files of an archive describe.
func furnish(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	upstream := map[string]string{}
	for _, f := range archive.Files {
		switch name, below := strings.CutPrefix(f.Name, "upstream/"); {
		case below:
			upstream[name] = string(f.Data)
		case f.Name == "resolv.conf":
			lab.ResolvConf(t, string(f.Data))
		case f.Name == "cluster.yaml":
			lab.Kubernetes(t, string(f.Data))
		default:
			t.Fatalf("cases.txt has a file %q; expect resolv.conf, cluster.yaml or upstream/...", f.Name)
		}
	}
	corefile := upstream["Corefile"]
	delete(upstream, "Corefile")
	lab.CoreDNS(t, corefile, upstream)
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBuiltIn starts the binary in an empty folder and without a flag.
func TestBuiltIn(t *testing.T) {
	lab.Require(t)
	archive, err := txtar.ParseFile(root + "/corefile-examples/quickstart/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, archive)
	lab.Run(t, t.TempDir())
	lab.Ask(t, string(archive.Comment))
}
