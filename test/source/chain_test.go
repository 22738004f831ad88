package source

import (
	"go/ast"
	"go/types"
	"testing"
)

// TestOnlyLookupAsks holds that one package deals with the rest of the chain, so that the contract with it is kept in one
// place. A method that is defined is not a mention; one that is called, or taken as a value, is.
func TestOnlyLookupAsks(t *testing.T) {
	for _, tc := range []struct{ way, name string }{
		{"plugin.NextOrFailure", "NextOrFailure"},
		{"ServeDNS of a plugin or of the server", "ServeDNS"},
	} {
		t.Run(tc.way, func(t *testing.T) {
			isUsed := false
			for _, f := range filesIn(t, sources, root+"/...") {
				for _, s := range selectors(f, tc.name) {
					if f.dir() == lookup {
						isUsed = true
						continue
					}
					t.Errorf("%s mentions %s; want %s in %s alone", f.at(s), types.ExprString(s), tc.way, lookup)
				}
			}
			if !isUsed {
				t.Errorf("%s mentions no %s; want this test to look for the way that it asks by", lookup, tc.name)
			}
		})
	}
}

// selectors returns the expressions X.name in a file.
func selectors(f *file, name string) (list []*ast.SelectorExpr) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			list = append(list, s)
		}
		return true
	})
	return list
}
