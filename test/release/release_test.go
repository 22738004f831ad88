// Package release checks what a release needs beside the code: the workflows that make it, what registries and lists show of it,
// and the changelog.
package release

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const root = "../.."

// semver is a version as https://semver.org has it, without build metadata.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// heading is that of a version in the changelog.
var heading = regexp.MustCompile(`(?m)^## \[(.*?)\](?: - (.*))?$`)

// newest returns the newest version in the changelog, and its date.
func newest(t *testing.T) (version, date string) {
	t.Helper()
	for _, m := range heading.FindAllStringSubmatch(lab.ReadFile(t, root+"/CHANGELOG.md"), -1) {
		if m[1] != "Unreleased" {
			return m[1], m[2]
		}
	}
	t.Fatal("no version in the changelog")
	return "", ""
}

// TestChangelog holds the changelog to https://keepachangelog.com/en/1.1.0/: a section for each version, the newest first, with its
// date and with groups of a known kind that have entries.
func TestChangelog(t *testing.T) {
	text := lab.ReadFile(t, root+"/CHANGELOG.md")
	if !strings.HasPrefix(text, "# Changelog\n\n") || !strings.Contains(text, "https://keepachangelog.com/en/1.1.0/") {
		t.Error("want the title, and which form it is")
	}
	previous := ""
	for i, m := range heading.FindAllStringSubmatch(text, -1) {
		version, date := m[1], m[2]
		if version == "Unreleased" && i == 0 && date == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, date); err != nil || !semver.MatchString(version) {
			t.Errorf("section %q of %q; want a version and its date", version, date)
		}
		if previous != "" && date > previous {
			t.Errorf("version %s is of %s, and stands below one of %s; want the newest first", version, date, previous)
		}
		previous = date
	}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, _, _ := strings.Cut(section, "\n")
		for _, group := range strings.Split(section, "\n### ")[1:] {
			kind, entries, _ := strings.Cut(group, "\n\n")
			if !regexp.MustCompile(`^(Added|Changed|Deprecated|Removed|Fixed|Security)$`).MatchString(kind) || !strings.HasPrefix(entries, "- ") {
				t.Errorf("group %q of %s; want a known kind with entries", kind, title)
			}
		}
	}
}

// modules returns the folders with a module, from the root on.
func modules(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if err == nil && d.Name() == "go.mod" {
			dirs = append(dirs, path.Join("/", strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), root)))
		}
		return err
	})
	if err != nil || len(dirs) < 2 {
		t.Fatalf("modules in %q, %v; want several", dirs, err)
	}
	return dirs
}
