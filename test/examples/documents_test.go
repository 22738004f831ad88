package examples

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// documents returns the Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 2 {
		t.Fatalf("documents %v, %v; want all READMEs", files, err)
	}
	return files
}

// TestDocumentedCorefiles starts every Corefile that a document shows, in front of an upstream, and asks it for a
// name that exists.
func TestDocumentedCorefiles(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 192.0.2.53\nsearch corp.example.com\n")
	lab.CoreDNS(t, "example.org {\n bind 192.0.2.53\n hosts {\n 192.0.2.80 www.example.org\n }\n}\n", nil)
	started := 0
	for _, document := range documents(t) {
		for _, corefile := range lab.Fenced(t, document, "corefile") {
			started++
			t.Run(strings.TrimPrefix(document, root+"/"), func(t *testing.T) {
				lab.CoreDNS(t, corefile, nil)
				lab.Ask(t, "www.example.org. A NOERROR 192.0.2.80")
			})
		}
	}
	if started < 5 {
		t.Errorf("%d Corefiles; want all that the documents show", started)
	}
}

// TestDocumentedMain builds the main.go that the documents show.
func TestDocumentedMain(t *testing.T) {
	programs := lab.Fenced(t, root+"/build/chain/README.md", "go")
	if len(programs) != 1 {
		t.Fatalf("%d programs in build/chain/README.md; want 1", len(programs))
	}
	dir, err := os.MkdirTemp(".", "main-") // inside of the module, so that it finds its packages
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(programs[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "coredns")
	if out, err := exec.Command("go", "build", "-o", binary, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(binary, "-plugins").Output(); err != nil || !strings.Contains(string(out), "\nmuslsafe\n") {
		t.Errorf("-plugins = %q, %v; want muslsafe in it", out, err)
	}
}

// TestDocumentedLinks follows the links to files of the repository.
func TestDocumentedLinks(t *testing.T) {
	for _, document := range documents(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(lab.ReadFile(t, document), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), m[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

// TestDocumentedTargets compares the targets that documents name with those of the Makefile.
func TestDocumentedTargets(t *testing.T) {
	makefile := lab.ReadFile(t, root+"/Makefile")
	named := regexp.MustCompile("`make (\\w+)|(?m)^make (\\w+)$")
	for _, document := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(lab.ReadFile(t, document), -1) {
			if target := m[1] + m[2]; !strings.Contains(makefile, "\n"+target+":") {
				t.Errorf("make %s is in %s and not in the Makefile", target, document)
			}
		}
	}
}
