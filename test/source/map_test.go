package source

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rowOfMap is a row of the map in CONTRIBUTING: a directory, as a link to itself.
var rowOfMap = regexp.MustCompile(`(?m)^\| \[(.*?)\]\((.*?)\) \|`)

// TestMap holds that the map of the code names every package once, and nothing else.
func TestMap(t *testing.T) {
	repository, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(repository, ".github", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Map\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]int{}
	for _, m := range rowOfMap.FindAllStringSubmatch(section, -1) {
		if m[2] != "../"+m[1] {
			t.Errorf("the map links %s to %s; want ../%s", m[1], m[2], m[1])
		}
		named[m[1]]++
	}
	for _, dir := range packages(t) {
		if named[dir] != 1 {
			t.Errorf("the map names %s %d times; want every package once", dir, named[dir])
		}
		delete(named, dir)
	}
	for dir := range named {
		t.Errorf("the map names %s, where there is no package; want packages that exist", dir)
	}
}
