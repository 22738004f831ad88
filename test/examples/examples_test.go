// Package examples starts every Corefile of corefile-examples and of the documents, as it stands, with the binary
// of this repository, and asks it what cases.txt says.
package examples

import (
	"os"
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const root = "../.."

// TestExamples runs each folder of corefile-examples that needs no Kubernetes API; test/kubernetes runs the others.
func TestExamples(t *testing.T) {
	lab.Require(t)
	for _, e := range lab.Examples(t, root, false) {
		t.Run(e.Name, func(t *testing.T) {
			e.Furnish(t, nil)
			lab.CoreDNS(t, e.Corefile, e.Files)
			lab.Ask(t, e.Cases)
		})
	}
}

// TestBuiltIn starts the binary in an empty folder and without a flag.
func TestBuiltIn(t *testing.T) {
	lab.Require(t)
	examples := lab.Examples(t, root, false)
	i := slices.IndexFunc(examples, func(e lab.Example) bool { return e.Name == "quickstart" })
	if i < 0 {
		t.Fatal("no example quickstart")
	}
	examples[i].Furnish(t, nil)
	lab.Run(t, t.TempDir())
	lab.Ask(t, examples[i].Cases)
}
