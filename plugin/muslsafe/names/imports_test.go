package names

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds that the package is pure: nothing that it imports knows a clock, a network, a file or a server.
func TestImports(t *testing.T) {
	allowed := []string{"cmp", "errors", "fmt", "slices", "strings", "golang.org/x/net/publicsuffix"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v; want those of this package", files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s; want nothing but %q", file, spec.Path.Value, allowed)
			}
		}
	}
}
