package muslsafe

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestReadme compares the README with the code: properties, fixes, metrics and metadata, each in both directions.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)

	block := between(t, readme, "muslsafe [ZONES...] {\n", "}\n")
	var lines []string
	for _, p := range properties {
		lines = append(lines, strings.TrimSpace(p.name+" "+p.args))
	}
	compare(t, "properties in the syntax", matches(`(?m)^    (.+)$`, block), lines)

	syntax := between(t, readme, "## Syntax", "## Examples")
	var names []string
	for _, p := range properties {
		names = append(names, p.name)
	}
	compare(t, "properties explained", matches("(?m)^\\* `(\\w+)`", syntax), names)
	compare(t, "fixes", matches(`(?m)^\* \*\*(\w+)\*\*(?: \(off by default\))? - `, readme), fixNames())

	metrics := between(t, readme, "## Metrics", "## Metadata")
	compare(t, "metrics", matches("(?m)^\\* `(\\w+\\{.*\\})`", metrics), metricNames(t))
	compare(t, "decisions", matches("`(\\w+)`", between(t, metrics, "client queries by decision: ", ".")), decisionNames[:])
	compare(t, "results", matches("`(\\w+)`", between(t, metrics, "queries of its own by result: ", ".")), resultNames())
	compare(t, "metadata", matches("(?m)^\\* `(.*)` - ", between(t, readme, "## Metadata", "## Ready")), []string{metadataFix})
}

// TestReadmeSections holds the order of a CoreDNS man page.
func TestReadmeSections(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Name", "Description", "Syntax", "Examples", "Metrics", "Metadata", "Ready", "Bugs", "See Also"}
	if got := matches(`(?m)^## (.+)$`, string(text)); !slices.Equal(got, want) {
		t.Errorf("sections = %q; want %q", got, want)
	}
}

func between(t *testing.T, text, start, end string) string {
	t.Helper()
	_, after, ok1 := strings.Cut(text, start)
	part, _, ok2 := strings.Cut(after, end)
	if !ok1 || !ok2 {
		t.Fatalf("README has no part between %q and %q", start, end)
	}
	return part
}

func matches(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// metricNames returns the metrics that metrics.go defines with their labels, as the README writes them.
func metricNames(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?s)Name: +"(\w+)".*?\[\]string\{(.*?)\}`).FindAllStringSubmatch(string(source), -1) {
		names = append(names, "coredns_muslsafe_"+m[1]+"{"+strings.ReplaceAll(m[2], `"`, "")+"}")
	}
	return names
}

func compare(t *testing.T, what string, readme, code []string) {
	t.Helper()
	readme, code = slices.Clone(readme), slices.Clone(code)
	slices.Sort(readme)
	slices.Sort(code)
	if !slices.Equal(readme, code) {
		t.Errorf("%s: README has %q, code has %q", what, readme, code)
	}
}

func fixNames() (list []string) {
	for f := verdict.None + 1; f < verdict.NumFixes; f++ {
		list = append(list, f.String())
	}
	return list
}

func resultNames() (list []string) {
	for o := failure; o <= nxdomain; o++ {
		list = append(list, o.String())
	}
	return list
}
