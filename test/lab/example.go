package lab

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Example is a folder of corefile-examples: a Corefile, and the questions and the surroundings in its cases.txt.
type Example struct {
	Name     string
	Corefile string
	Cases    string            // for [Ask]
	Files    map[string]string // that the Corefile names, by name and contents, for [CoreDNS]
	world    []txtar.File
}

// Examples returns the examples below the root of the repository: those that need a Kubernetes API, or all others.
func Examples(t *testing.T, root string, kubernetes bool) []Example {
	t.Helper()
	corefiles, err := filepath.Glob(root + "/corefile-examples/*/Corefile")
	if err != nil {
		t.Fatal(err)
	}
	var examples []Example
	for _, corefile := range corefiles {
		if e := readExample(t, corefile); kubernetes == slices.ContainsFunc(e.world, isCluster) {
			examples = append(examples, e)
		}
	}
	if len(examples) == 0 {
		t.Fatalf("no examples below %s", root)
	}
	return examples
}

func isCluster(f txtar.File) bool { return f.Name == "cluster.yaml" }

func readExample(t *testing.T, corefile string) Example {
	t.Helper()
	dir := filepath.Dir(corefile)
	archive, err := txtar.ParseFile(filepath.Join(dir, "cases.txt"))
	if err != nil {
		t.Fatal(err)
	}
	e := Example{Name: filepath.Base(dir), Corefile: ReadFile(t, corefile), Cases: string(archive.Comment), Files: map[string]string{}}
	for _, f := range archive.Files {
		if name, beside := strings.CutPrefix(f.Name, "files/"); beside {
			e.Files[name] = string(f.Data)
		} else {
			e.world = append(e.world, f)
		}
	}
	return e
}

// Furnish sets up the surroundings of the example. Its files are resolv.conf; environment, with one variable per line;
// cluster.yaml, objects for the Kubernetes API, which the caller provides; and upstream/ for a CoreDNS behind the example.
// What is in files/ goes to Files.
func (e Example) Furnish(t *testing.T, kubernetes func(t *testing.T, manifests string)) {
	t.Helper()
	upstream := map[string]string{}
	for _, f := range e.world {
		switch name, below := strings.CutPrefix(f.Name, "upstream/"); {
		case below:
			upstream[name] = string(f.Data)
		case f.Name == "resolv.conf":
			ResolvConf(t, string(f.Data))
		case f.Name == "environment":
			setenv(t, string(f.Data))
		case isCluster(f):
			kubernetes(t, string(f.Data))
		default:
			t.Fatalf("cases.txt has a file %q; expect resolv.conf, environment, cluster.yaml, files/... or upstream/...", f.Name)
		}
	}
	corefile := upstream["Corefile"]
	delete(upstream, "Corefile")
	CoreDNS(t, corefile, upstream)
}

// setenv sets variables for the test and everything that it starts.
func setenv(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			t.Setenv(name, value)
		}
	}
}
