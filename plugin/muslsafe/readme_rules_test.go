package muslsafe

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestReadmeRules compares the table of rules in the README with the rules, row by row.
func TestReadmeRules(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	part := between(t, string(text), "\n### Rules\n", "\n### ")
	var got [][]string
	for _, line := range matches(`(?m)^\| (.*) \|$`, part) {
		got = append(got, strings.Split(strings.ReplaceAll(line, "`", ""), " | "))
	}
	want := verdict.Table()
	if len(got) != len(want)+1 { // with the head
		t.Fatalf("README has %d rules, code has %d", len(got)-1, len(want))
	}
	for i, row := range want {
		if !slices.Equal(got[i+1], row) {
			t.Errorf("rule %d: README has\n%q, code has\n%q", i+1, got[i+1], row)
		}
	}
}

// TestReadmeCosts holds the largest number of queries in the README to that of the code.
func TestReadmeCosts(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("at most %dn + %d queries", maxQueries(1)-maxQueries(0), maxQueries(0)); !strings.Contains(string(text), want) {
		t.Errorf("README does not say %q", want)
	}
}
