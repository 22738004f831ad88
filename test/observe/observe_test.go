// Package observe checks what operators see: rules and dashboard with the real Prometheus, logs, dnstap, and dig.
package observe

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const observe = "../../build/observe/"

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// TestRules has promtool check the rules, and run the series that make each alert fire.
func TestRules(t *testing.T) {
	promtool := lab.LookPath(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = observe
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	tested := lab.ReadFile(t, observe+"rules_test.yaml")
	for _, name := range found(`(?:alert|record): (\S+)`, lab.ReadFile(t, observe+"rules.yaml")) {
		if !strings.Contains(tested, name) {
			t.Errorf("%s is not tested in rules_test.yaml", name)
		}
	}
}

// TestPage compares the page of the metrics with the README of the plugin and the rules, in both directions.
func TestPage(t *testing.T) {
	page := lab.ReadFile(t, observe+"README.md")
	plugin := lab.ReadFile(t, "../../plugin/muslsafe/README.md")
	compare(t, "metrics", found("(?m)^\\| `(coredns_muslsafe_\\w+)`", page), found("(?m)^\\* `(coredns_muslsafe_\\w+)", plugin))
	compare(t, "alerts", found("(?m)^\\| `(Muslsafe\\w+)`", page), found(`alert: (\w+)`, lab.ReadFile(t, observe+"rules.yaml")))
	compare(t, "metrics of the dashboard", found(`(coredns_muslsafe_\w+?)(?:_bucket)?[\[{)]`, lab.ReadFile(t, observe+"dashboard.json")), found("(?m)^\\* `(coredns_muslsafe_\\w+)", plugin))

	_, fixes, _ := strings.Cut(page, "Each fix has a cause")
	fixes, _, _ = strings.Cut(fixes, "The log says")
	var rows []string
	for _, row := range found("(?m)^\\| (`[a-z0-9`, ]+`) \\| ", fixes)[1:] { // without the head
		rows = append(rows, found("`(\\w+)`", row)...)
	}
	compare(t, "fixes", rows, found(`(?m)^\* \*\*([a-z]\w+)\*\*`, plugin))
}

func found(pattern, text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// compare compares two lists as sets.
func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	got, want = slices.Compact(got), slices.Compact(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%s: %q; want %q", what, got, want)
	}
}
