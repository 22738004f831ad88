package examples

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// TestDocumentedLinks follows the links to files of the repository, and to headings in them.
func TestDocumentedLinks(t *testing.T) {
	for _, document := range documents(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]*)(?:#([^):]*))?\)`).FindAllStringSubmatch(lab.ReadFile(t, document), -1) {
			target := document
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(document), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if m[2] != "" && !slices.Contains(anchors(t, target), m[2]) {
				t.Errorf("%s: %s has no heading for #%s", document, target, m[2])
			}
		}
	}
}

// anchors returns the fragments under which GitHub serves the headings of a document.
func anchors(t *testing.T, document string) (list []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(lab.ReadFile(t, document), -1) {
		kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(kept, " ", "-"))
	}
	return list
}

// TestDocumentedExamples holds that the overview of the examples has a row for each of them.
func TestDocumentedExamples(t *testing.T) {
	overview := lab.ReadFile(t, root+"/corefile-examples/README.md")
	corefiles, err := filepath.Glob(root + "/corefile-examples/*/Corefile")
	if err != nil || len(corefiles) == 0 {
		t.Fatalf("examples %v, %v; want all", corefiles, err)
	}
	for _, corefile := range corefiles {
		name := filepath.Base(filepath.Dir(corefile))
		if link := "[" + name + "](" + name + "/Corefile)"; !strings.Contains(overview, link) {
			t.Errorf("corefile-examples/README.md has no %s; want a row for each example", link)
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
