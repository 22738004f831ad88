// Package source holds what the compiler does not: who may import whom, who alone asks the rest of the chain, how big things
// may get, and that the map of the code names every package. It reads the source of this repository and runs none of it.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/muslsafe/coredns-muslsafe"

// file is a Go file of the repository. Its paths begin at the root of the repository and have slashes.
type file struct {
	path      string
	lines     int
	code      int // of lines, those that are neither blank nor comment alone
	syntax    *ast.File
	positions *token.FileSet
}

// dir is the directory of the package that the file belongs to.
func (f *file) dir() string { return path.Dir(f.path) }

func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// at returns where n begins.
func (f *file) at(n ast.Node) string { return fmt.Sprintf("%s:%d", f.path, f.line(n.Pos())) }

func (f *file) line(p token.Pos) int { return f.positions.Position(p).Line }

// linesOf returns how many lines n takes, without the comment above it.
func (f *file) linesOf(n ast.Node) int { return f.line(n.End()) - f.line(n.Pos()) + 1 }

// imported returns what the file imports: the directories of packages of this repository, the import paths of others.
func (f *file) imported() []string {
	list := make([]string, len(f.syntax.Imports))
	for i, spec := range f.syntax.Imports {
		list[i], _ = strconv.Unquote(spec.Path.Value)
		list[i] = strings.TrimPrefix(list[i], module+"/")
	}
	return list
}

// codeLines counts the lines on which there is code.
func codeLines(src []byte) int {
	var s scanner.Scanner
	f := token.NewFileSet().AddFile("", -1, len(src))
	s.Init(f, src, nil, 0) // which leaves comments out
	lines := map[int]bool{}
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return len(lines)
		}
		for i := range strings.Count(text, "\n") + 1 { // of a string
			if text != "\n" || i == 0 {
				lines[f.Line(pos)+i] = true
			}
		}
	}
}

func parse(name string, src []byte) (*file, error) {
	positions := token.NewFileSet()
	syntax, err := parser.ParseFile(positions, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{path: name, lines: bytes.Count(src, []byte("\n")), code: codeLines(src), syntax: syntax, positions: positions}, nil
}

// findRoot returns the root of the repository, which has its go.mod.
var findRoot = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && slices.Contains(strings.Split(string(text), "\n"), "module "+module) {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod of " + module + " here or above")
})

// isIgnored reports whether no package is looked for in a directory: go list does not, and the main- of test/examples is a
// program from a document, which is there only while that test runs.
func isIgnored(name string) bool {
	return name == "testdata" || name != "." && strings.ContainsAny(name[:1], "._") || strings.HasPrefix(name, "main-")
}

// readAll reads all Go files of the repository once, whatever their build tags and whatever module they are in.
var readAll = sync.OnceValues(func() (files []*file, err error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	tree := os.DirFS(root)
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && isIgnored(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parse(name, src)
		files = append(files, f)
		return err
	})
	return files, err
})

// matches reports whether a pattern stands for a directory or an import path. As for the go command, "/..." at its end stands
// for all that is below as well.
func matches(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	above, isTree := strings.CutSuffix(pattern, "/...")
	return name == above || isTree && strings.HasPrefix(name, above+"/")
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}

// Which files a rule is about.
type part func(*file) bool

func sources(f *file) bool { return !f.isTest() }
func tests(f *file) bool   { return f.isTest() }
func all(*file) bool       { return true }

// filesIn returns the files of a part in the directories of patterns. There is at least one, or the rule is about nothing.
func filesIn(t *testing.T, is part, patterns ...string) (list []*file) {
	t.Helper()
	files, err := readAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if is(f) && matchesAny(patterns, f.dir()) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no such file in %q; want the rule to be about something", patterns)
	}
	return list
}

// packages returns the directories of all packages, those that consist of tests included.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, f := range filesIn(t, all, "...") {
		dirs = append(dirs, f.dir())
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"time", "time", true},
		{"time", "time/tzdata", false},
		{"net/...", "net", true},
		{"net/...", "net/netip", true},
		{"net/...", "network", false},
		{"...", "anything/at/all", true},
	} {
		if got := matches(tc.pattern, tc.name); got != tc.want {
			t.Errorf("matches(%q, %q) = %t; want %t", tc.pattern, tc.name, got, tc.want)
		}
	}
}
