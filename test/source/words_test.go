package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wordLimits are how many words a document may have, as wc -w counts them: tables and code are included. Nobody reads a first
// page that is longer; what does not fit belongs into the documents that it links to.
var wordLimits = []struct {
	document string
	most     int
}{
	{"README.md", 1400},
	{"plugin/muslsafe/README.md", 2000},
}

func TestWords(t *testing.T) {
	repository, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range wordLimits {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(tc.document)))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(strings.Fields(string(text))); n > tc.most || n < tc.most/4 {
			t.Errorf("%s has %d words; want %d at most, and a text", tc.document, n, tc.most)
		}
	}
}
