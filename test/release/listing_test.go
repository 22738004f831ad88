package release

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"go.yaml.in/yaml/v3"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const listing = root + "/build/listing/"

// pkg is artifacthub-pkg.yml, with all fields that Artifact Hub knows of and that are used here. See docs/metadata and
// ValidatePackageMetadata in internal/pkg/metadata.go of github.com/artifacthub/hub, v1.22.0, from which the rules below are.
type pkg struct {
	Version          string
	Name             string
	DisplayName      string `yaml:"displayName"`
	CreatedAt        string `yaml:"createdAt"`
	Description      string
	Category         string
	License          string
	HomeURL          string `yaml:"homeURL"`
	AppVersion       string `yaml:"appVersion"`
	ContainersImages []struct {
		Name, Image string
		Platforms   []string
	} `yaml:"containersImages"`
	Keywords []string
	Links    []struct{ Name, URL string }
	Provider struct{ Name string }
	Readme   string
	Install  string
	Changes  []struct{ Kind, Description string }
}

// repo is artifacthub-repo.yml.
type repo struct {
	RepositoryID string `yaml:"repositoryID"`
	Owners       []struct{ Name, Email string }
	Ignore       []struct{ Name, Version string }
}

// decode reads YAML, and fails for a field that is not in the form.
func decode[T any](t *testing.T, file string) T {
	t.Helper()
	var value T
	d := yaml.NewDecoder(strings.NewReader(lab.ReadFile(t, file)))
	d.KnownFields(true)
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := d.Decode(new(any)); err != io.EOF {
		t.Fatalf("%s: %v; want one document", file, err)
	}
	return value
}

// wrong returns what Artifact Hub would refuse.
func (p pkg) wrong() (list []string) {
	refuse := func(bad bool, what string) {
		if bad {
			list = append(list, what)
		}
	}
	refuse(!semver.MatchString(p.Version), "version")
	refuse(!regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(p.Name), "name")
	refuse(p.DisplayName == "", "displayName")
	_, err := time.Parse(time.RFC3339, p.CreatedAt)
	refuse(err != nil, "createdAt")
	refuse(p.Description == "", "description")
	refuse(!slices.Contains([]string{"", "ai-machine-learning", "database", "integration-delivery", "monitoring-logging",
		"networking", "security", "storage", "streaming-messaging", "skip-prediction"}, p.Category), "category")
	for _, c := range p.Changes {
		refuse(!slices.Contains([]string{"", "added", "changed", "deprecated", "removed", "fixed", "security"}, c.Kind), "kind of change")
		refuse(c.Description == "", "description of change")
	}
	for _, i := range p.ContainersImages {
		_, err := name.ParseReference(i.Image)
		refuse(err != nil, "image")
	}
	for _, l := range p.Links {
		refuse(l.Name == "" || !strings.HasPrefix(l.URL, "https://"), "link")
	}
	return list
}

// TestArtifactHub checks the metadata for Artifact Hub against its form, and against the release that it is about.
func TestArtifactHub(t *testing.T) {
	p := decode[pkg](t, listing+"artifacthub-pkg.yml")
	if wrong := p.wrong(); len(wrong) > 0 {
		t.Errorf("Artifact Hub would refuse %q", wrong)
	}
	if version, date := newest(t); p.Version != version || p.AppVersion != version || !strings.HasPrefix(p.CreatedAt, date) {
		t.Errorf("version %s of %s; want that of the changelog, %s of %s", p.Version, p.CreatedAt, version, date)
	}
	var tags []string
	for _, i := range p.ContainersImages {
		tags = append(tags, i.Image)
		if !slices.Equal(i.Platforms, []string{"linux/amd64", "linux/arm64"}) {
			t.Errorf("%s is for %v; want both architectures, as make push publishes them", i.Image, i.Platforms)
		}
	}
	const registry = "ghcr.io/muslsafe/"
	want := []string{registry + "coredns:v" + p.Version, registry + "coredns:v" + p.Version + "-slim", registry + "doctor:v" + p.Version}
	if !slices.Equal(tags, want) {
		t.Errorf("images %q; want %q", tags, want)
	}
	page := lab.ReadFile(t, listing+"coredns.io/muslsafe.md")
	for _, m := range lab.Fence(`\w+`).FindAllString(p.Install, -1) {
		if !strings.Contains(page, m) {
			t.Errorf("the page for coredns.io, whose Corefiles are tested, has no\n%s", m)
		}
	}
	r := decode[repo](t, listing+"artifacthub-repo.yml")
	for _, i := range r.Ignore {
		pattern, err := regexp.Compile(i.Version)
		if err != nil || i.Name != p.Name || pattern.MatchString(p.Version) || !pattern.MatchString(p.Version+"-rc.1") {
			t.Errorf("ignores %q of %s, %v; want release candidates of %s alone", i.Version, i.Name, err, p.Name)
		}
	}
}

// TestArtifactHubForm holds that the rules find what Artifact Hub refuses.
func TestArtifactHubForm(t *testing.T) {
	good := lab.ReadFile(t, listing+"artifacthub-pkg.yml")
	for _, tc := range []struct{ old, new, want string }{
		{"\nversion: 0.1.0", "\nversion: v0.1", "version"},
		{"\nname: muslsafe", "\nname: musl safe", "name"},
		{"\ndisplayName: muslsafe", "\ndisplayName: ''", "displayName"},
		{"2026-11-22T00:00:00Z", "2026-11-22", "createdAt"},
		{"category: networking", "category: network", "category"},
		{"kind: added", "kind: new", "kind of change"},
		{"ghcr.io/muslsafe/coredns:v0.1.0\n", "ghcr.io/muslsafe/CoreDNS:v0.1.0\n", "image"},
		{"url: https://", "url: ", "link"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			var p pkg
			if err := yaml.Unmarshal([]byte(strings.Replace(good, tc.old, tc.new, 1)), &p); err != nil {
				t.Fatal(err)
			}
			if wrong := p.wrong(); !slices.Equal(wrong, []string{tc.want}) {
				t.Errorf("with %q, wrong is %q; want %q", tc.new, wrong, tc.want)
			}
		})
	}
}

// frontMatter is what precedes a page of https://coredns.io/explugins, as each of the 42 that were there in January 2026
// has it: see content/explugins and themes/coredns/layouts of github.com/coredns/coredns.io.
var frontMatter = []string{"title", "description", "weight", "tags", "categories", "date", "repo", "home"}

// TestExternalPlugin checks the page for the list of external plugins of CoreDNS.
func TestExternalPlugin(t *testing.T) {
	text := lab.ReadFile(t, listing+"coredns.io/muslsafe.md")
	parts := strings.SplitN(text, "+++\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("%d parts; want front matter between lines of +++, and the page", len(parts))
	}
	values := map[string]any{}
	var keys []string
	for line := range strings.Lines(parts[1]) {
		key, value, _ := strings.Cut(line, " = ")
		keys = append(keys, key)
		var v any // strings, numbers and lists of strings are the same in TOML and JSON
		if err := json.NewDecoder(bytes.NewBufferString(value)).Decode(&v); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		values[key] = v
	}
	if !slices.Equal(keys, frontMatter) {
		t.Errorf("keys %q; want %q", keys, frontMatter)
	}
	if values["title"] != "muslsafe" || values["weight"] != 10.0 || !strings.HasPrefix(values["description"].(string), "*muslsafe* - ") {
		t.Errorf("%v; want what the list shows of a plugin", values)
	}
	if c := values["categories"].([]any); c[0] != "plugin" || c[1] != "external" {
		t.Errorf("categories %q; want plugin and external", c)
	}
	if _, err := time.Parse(time.RFC3339, values["date"].(string)); err != nil {
		t.Error(err)
	}
	documents := lab.ReadFile(t, root+"/plugin/muslsafe/README.md") + lab.ReadFile(t, root+"/build/chain/README.md")
	for _, block := range lab.Fence("txt").FindAllString(parts[2], -1) {
		if !strings.Contains(documents, block) {
			t.Errorf("neither the manual of the plugin nor build/chain/README.md has\n%s", block)
		}
	}
	if strings.Contains(parts[2], "](/") || strings.Contains(parts[2], "](.") {
		t.Error("a link of the page is relative; want links that work on another site")
	}
}
