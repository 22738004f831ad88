package release

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// workflow is what these rules are about. That it is one at all is a matter of actionlint, in make lint.
type workflow struct {
	Permissions map[string]string
	Defaults    struct{ Run struct{ Shell string } }
	Jobs        map[string]struct {
		Permissions map[string]string
		Container   struct{ Image string }
		Uses        string
		Steps       []struct {
			Uses string
			Run  string
			With map[string]any
		}
	}
}

// readWorkflows returns the workflows by the name of their files, with their text.
func readWorkflows(t *testing.T) (texts map[string]string, parsed map[string]workflow) {
	t.Helper()
	files, err := filepath.Glob(root + "/.github/workflows/*.y*ml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	texts, parsed = map[string]string{}, map[string]workflow{}
	for _, file := range files {
		text, name := lab.ReadFile(t, file), filepath.Base(file)
		var w workflow
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		texts[name], parsed[name] = text, w
	}
	return texts, parsed
}

// pinned is an action at a commit, with its version in words, or an action of this repository.
var pinned = regexp.MustCompile(`^(\./.*|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)

// TestPinned holds that what workflows use cannot change behind our back.
func TestPinned(t *testing.T) {
	texts, parsed := readWorkflows(t)
	for name, text := range texts {
		for _, m := range regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`).FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s; want a full commit, and its version in a comment", name, m[1])
			}
		}
		for job, j := range parsed[name].Jobs {
			if image := j.Container.Image; image != "" && !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(image) {
				t.Errorf("%s runs %s in %s; want a digest", name, job, image)
			}
		}
	}
}

// TestLeastPermissions holds that a workflow may do nothing, and each job what it says. Only the job that publishes may write,
// it builds nothing itself, and no job keeps the credentials of the checkout.
func TestLeastPermissions(t *testing.T) {
	texts, parsed := readWorkflows(t)
	for name, w := range parsed {
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s has the permissions %v; want {}", name, w.Permissions)
		}
		for job, j := range w.Jobs {
			if j.Permissions == nil {
				t.Errorf("job %s of %s does not say its permissions", job, name)
			}
			for what, right := range j.Permissions {
				if right != "read" && job != "publish" {
					t.Errorf("job %s of %s has %s: %s; want read", job, name, what, right)
				}
			}
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
					t.Errorf("job %s of %s keeps the credentials of its checkout", job, name)
				}
				if strings.Contains(s.Run, "${{") {
					t.Errorf("job %s of %s puts an expression into a script; want it in env:\n%s", job, name, s.Run)
				}
				if job == "publish" && regexp.MustCompile(`make (?:--\w+ )*(release|build|image)( |$)`).MatchString(s.Run) {
					t.Errorf("the job that may write builds:\n%s", s.Run)
				}
			}
		}
		if strings.Contains(texts[name], "pull_request_target") {
			t.Errorf("%s runs what strangers write with the rights of this repository", name)
		}
	}
}

// TestTargets holds that workflows call targets that exist, and that CI is what a clean clone runs.
func TestTargets(t *testing.T) {
	_, parsed := readWorkflows(t)
	makefile := lab.ReadFile(t, root+"/Makefile")
	for name, w := range parsed {
		if w.Defaults.Run.Shell != "bash" {
			t.Errorf("%s has the shell %q by default; want bash, with which a pipe fails if any part of it does", name, w.Defaults.Run.Shell)
		}
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				for _, m := range regexp.MustCompile(`(?m)^make (?:--\w+ )*([a-z][a-z-]*)`).FindAllStringSubmatch(s.Run, -1) {
					if !strings.Contains(makefile, "\n"+m[1]+":") {
						t.Errorf("%s calls make %s, which is not in the Makefile", name, m[1])
					}
				}
			}
		}
	}
	calls := false
	for _, s := range parsed["ci.yml"].Jobs["test"].Steps {
		calls = calls || s.Run == ".ci/run"
	}
	if !calls {
		t.Error("the job test of ci.yml does not call .ci/run")
	}
	if j := parsed["release.yml"].Jobs["test"]; j.Uses != "./.github/workflows/ci.yml" {
		t.Errorf("the job test of release.yml uses %q; want ci.yml", j.Uses)
	}
}

// TestDependabot holds that every module is looked after.
func TestDependabot(t *testing.T) {
	var config struct {
		Version int
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal([]byte(lab.ReadFile(t, root+"/.github/dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	ecosystems := map[string]bool{}
	for _, u := range config.Updates {
		ecosystems[u.Ecosystem] = true
		for _, dir := range u.Directories {
			named[dir] = true
		}
	}
	if config.Version != 2 || !ecosystems["gomod"] || !ecosystems["github-actions"] {
		t.Errorf("version %d with %v; want 2 with gomod and github-actions", config.Version, ecosystems)
	}
	for _, dir := range modules(t) {
		if !named[dir] {
			t.Errorf("dependabot does not know the module in %s", dir)
		}
	}
}
