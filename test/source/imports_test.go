package source

import (
	"slices"
	"testing"
)

const (
	root     = "plugin/muslsafe"
	names    = root + "/names"
	verdict  = root + "/internal/verdict"
	reply    = root + "/internal/reply"
	lookup   = root + "/internal/lookup"
	bounded  = root + "/internal/bounded"
	memory   = root + "/internal/memory"
	stranger = root + "/internal/stranger"
	libc     = root + "/internal/libc"
	dot      = root + "/internal/dot"
	sample   = root + "/internal/sample"
	models   = "plugin/pkg/stub"
	examples = "corefile-examples"
)

// pure are the packages that decide. What they return depends on what they are given and on nothing else.
var pure = []string{names, verdict, reply}

// arrow says which packages of this repository the packages of a pattern may import, tests aside.
type arrow struct {
	from string
	to   []string
}

// arrows point down: build and test, the root of the plugin, lookup and reply, verdict, names.
var arrows = []arrow{
	{"test/...", []string{"..."}},
	{"build/...", []string{"build/...", root, names, models, examples}},
	{root, []string{lookup, memory, stranger, reply, verdict, names, bounded, dot, libc}},
	{memory, []string{lookup, reply, verdict, bounded}},
	{stranger, []string{lookup, verdict, names}},
	{libc, nil},
	{lookup, []string{reply, verdict, names, bounded}},
	{reply, []string{verdict}},
	{verdict, []string{names}},
	{names, nil},
	{bounded, nil},
	{dot, nil},
	{sample, []string{verdict}},
	{models, nil},
	{examples, nil},
}

func TestArrows(t *testing.T) {
	dirs := packages(t)
	for _, tc := range arrows {
		t.Run(tc.from, func(t *testing.T) {
			for _, f := range filesIn(t, all, tc.from) {
				for _, path := range f.imported() {
					if !f.isTest() && slices.Contains(dirs, path) && !matchesAny(tc.to, path) {
						t.Errorf("%s imports %s; want at most %q of this repository, as imports point down", f.path, path, tc.to)
					}
				}
			}
		})
	}
}

// TestEveryPackageHasArrows holds that a new package says what it may import.
func TestEveryPackageHasArrows(t *testing.T) {
	for _, dir := range packages(t) {
		if !slices.ContainsFunc(arrows, func(a arrow) bool { return matches(a.from, dir) }) {
			t.Errorf("%s has no row in arrows; want one that says what it may import", dir)
		}
	}
}

// bans are what packages must not import.
var bans = []struct {
	rule   string
	from   []string
	is     part
	banned []string
	except []string
}{
	{"pure packages have no context and no clock", pure, sources, []string{"context", "time"}, nil},
	{"pure packages have no log, no files and no environment", pure, sources, []string{"log/...", "os/..."}, nil},
	{"pure packages have no network, and addresses are values", pure, sources, []string{"net/..."}, []string{"net/netip"}},
	{"pure packages have no metrics", pure, sources, []string{"github.com/prometheus/..."}, nil},
	{"pure packages have nothing of CoreDNS and caddy", pure, sources, []string{"github.com/coredns/..."}, nil},
	{"names has no messages", []string{names}, sources, []string{"github.com/miekg/dns/..."}, nil},
	{"the plugin does not know the models", []string{root + "/..."}, all, []string{models}, nil},
	{"the models do not know CoreDNS", []string{models}, all, []string{"github.com/coredns/..."}, nil},
	{"the models do not know the plugin", []string{models}, all, []string{root + "/..."}, nil},
	{"doctor knows only names of the plugin", []string{"build/doctor/..."}, all, []string{root + "/..."}, []string{names}},
	{"sample is for tests", []string{"..."}, sources, []string{sample}, nil},
}

func TestBans(t *testing.T) {
	for _, tc := range bans {
		t.Run(tc.rule, func(t *testing.T) {
			for _, f := range filesIn(t, tc.is, tc.from...) {
				for _, path := range f.imported() {
					if matchesAny(tc.banned, path) && !slices.Contains(tc.except, path) {
						t.Errorf("%s imports %s; want that %s", f.path, path, tc.rule)
					}
				}
			}
		})
	}
}
