package source

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// sized is something that has a size.
type sized struct {
	at, name string
	size     int
}

// limits are how big things may get. Lines are those of the file, comments and blank ones included, lines of code are the
// others; the comment above a function is not part of it.
var limits = []struct {
	name    string
	files   func(t *testing.T) []*file
	measure func(files []*file) []sized
	most    int
	unit    string
}{
	{"a function of the plugin", ofPlugin, functions, 40, "lines"},
	{"ServeDNS", ofRoot, serveDNS, 30, "lines"},
	{"a file of the plugin", ofPlugin, each, 250, "lines"},
	{"a struct of the plugin", ofPlugin, structs, 12, "fields"},
	{"a type of the plugin", ofPlugin, methods, 15, "methods"},
	{"the root package", ofRoot, together, 1835, "lines of code"},
	{"the whole plugin", ofPlugin, together, 4295, "lines of code"},
	{"a function of a test", ofTests, functions, 60, "lines"},
}

func TestSizes(t *testing.T) {
	for _, tc := range limits {
		t.Run(tc.name, func(t *testing.T) {
			list := tc.measure(tc.files(t))
			if len(list) == 0 {
				t.Error("nothing to measure; want the limit to be about something")
			}
			for _, s := range list {
				if s.size > tc.most {
					t.Errorf("%s: %s has %d %s; want at most %d", s.at, s.name, s.size, tc.unit, tc.most)
				}
			}
		})
	}
}

func ofRoot(t *testing.T) []*file { return filesIn(t, sources, root) }

func ofTests(t *testing.T) []*file {
	return filesIn(t, tests, "plugin/...", "build/...", "test/...")
}

// ofPlugin returns the files of the plugin, without the package of messages for its tests.
func ofPlugin(t *testing.T) []*file {
	return filesIn(t, func(f *file) bool { return sources(f) && f.dir() != sample }, root+"/...")
}

// functions measures functions and methods in lines, and function literals that are in none.
func functions(files []*file) (list []sized) {
	for _, f := range files {
		for _, decl := range f.syntax.Decls {
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					list = append(list, sized{f.at(n), n.Name.Name, f.linesOf(n)})
					return false
				case *ast.FuncLit:
					list = append(list, sized{f.at(n), "a function literal", f.linesOf(n)})
					return false
				}
				return true
			})
		}
	}
	return list
}

// serveDNS measures the functions of that name.
func serveDNS(files []*file) (list []sized) {
	for _, s := range functions(files) {
		if s.name == "ServeDNS" {
			list = append(list, s)
		}
	}
	return list
}

// each measures files in lines.
func each(files []*file) (list []sized) {
	for _, f := range files {
		list = append(list, sized{f.path, "the file", f.lines})
	}
	return list
}

// together measures all files in lines of code, as one: comments and blank lines should not be spared.
func together(files []*file) []sized {
	sum := sized{files[0].dir(), fmt.Sprintf("all of %d files", len(files)), 0}
	for _, f := range files {
		sum.size += f.code
	}
	return []sized{sum}
}

// structs measures structs in fields, with or without a name of their own. What is embedded is one field.
func structs(files []*file) (list []sized) {
	for _, f := range files {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.StructType); ok {
				list = append(list, sized{f.at(s), "the struct", s.Fields.NumFields()})
			}
			return true
		})
	}
	return list
}

// methods measures types in methods of their own, whichever files of the package have them.
func methods(files []*file) (list []sized) {
	seen := map[string]int{} // by package and name, the index in list
	for _, f := range files {
		for _, decl := range f.syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			name := f.dir() + "." + receiver(fn)
			i, ok := seen[name]
			if !ok {
				i = len(list)
				seen[name] = i
				list = append(list, sized{f.dir(), receiver(fn), 0})
			}
			list[i].size++
		}
	}
	return list
}

// receiver returns the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	expr := fn.Recv.List[0].Type
	for {
		switch x := expr.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.StarExpr:
			expr = x.X
		case *ast.ParenExpr:
			expr = x.X
		case *ast.IndexExpr:
			expr = x.X
		case *ast.IndexListExpr:
			expr = x.X
		default:
			return ""
		}
	}
}

// TestMeasures tells the measures from each other, on what could be counted in two ways.
func TestMeasures(t *testing.T) {
	for _, tc := range []struct {
		name    string
		measure func([]*file) []sized
		text    string
		want    string
	}{
		{"the comment above is not part of a function", functions, "// F is short.\nfunc F() {\n}\n", "F 2"},
		{"a comment inside is", functions, "func F() {\n\t// nothing\n\n}\n", "F 4"},
		{"a literal is part of its function", functions, "func F() {\n\tgo func() {\n\t}()\n}\n", "F 4"},
		{"a literal of a variable is a function", functions, "var f = func() {\n}\n", "a function literal 2"},
		{"a file has its comments and blank lines", each, "\n// end\n", "the file 4"},
		{"names of one type are several fields", structs, "type s struct{ a, b int }\n", "the struct 2"},
		{"an embedded struct is one field", structs, "type s struct {\n\tt\n\t*u\n}\n", "the struct 2"},
		{"a struct within is counted by itself", structs, "type s struct {\n\tin struct{ a, b, c int }\n}\n", "the struct 1, the struct 3"},
		{"a struct without a name is one", structs, "var v struct{ a int }\n", "the struct 1"},
		{"a method of a pointer", methods, "func (s *s) a() {}\nfunc (s s) b() {}\n", "s 2"},
		{"a method of a type with parameters", methods, "func (m *m[K, V]) a() {}\nfunc (s *s[T]) a() {}\n", "m 1, s 1"},
		{"a function has no type", methods, "func f() {}\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := parse("p/p.go", []byte("package p\n\n"+tc.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range tc.measure([]*file{f}) {
				got = append(got, fmt.Sprint(s.name, " ", s.size))
			}
			if got := strings.Join(got, ", "); got != tc.want {
				t.Errorf("measured %q; want %q", got, tc.want)
			}
		})
	}
}
