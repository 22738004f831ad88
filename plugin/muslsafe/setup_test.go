package muslsafe

import (
	golog "log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// resolvConf writes a resolv.conf and returns its path.
func resolvConf(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestParse reads Corefiles that are right.
func TestParse(t *testing.T) {
	none := resolvConf(t, "nameserver 192.0.2.53\n")
	node := resolvConf(t, "search old.example.org\nsearch . Corp.Example.ORG. example.org bücher.example corp.example.org\noptions ndots:5\n")
	tests := []struct {
		about    string
		corefile string
		want     func(*config) // edits the default configuration
	}{
		{"empty block", "muslsafe {\n search " + none + "\n}", asItIs},
		{"domain line of a resolv.conf", "muslsafe {\n search " + resolvConf(t, "domain example.org\n") + "\n}", func(cfg *config) {
			cfg.suffixes = names.New([]domain{names.DefaultCluster}, []domain{"example.org."}, nil)
		}},
		{"search list of a file", "muslsafe {\n search " + node + "\n}", func(cfg *config) {
			cfg.suffixes = names.New([]domain{names.DefaultCluster}, []domain{"corp.example.org.", "example.org."}, nil)
		}},
		{"empty file", "muslsafe {\n search /dev/null\n}", asItIs},
		{"search list of the Corefile", "muslsafe {\n search b.example.org a.b.example.org\n}", func(cfg *config) {
			cfg.suffixes = names.New([]domain{names.DefaultCluster}, []domain{"b.example.org.", "a.b.example.org."}, nil)
		}},
		{"search list of a pod", "muslsafe {\n search kube-system.svc.cluster.local svc.cluster.local cluster.local example.org\n}", func(cfg *config) {
			cfg.suffixes = names.New([]domain{names.DefaultCluster}, []domain{"example.org."}, nil)
		}},
		{"no cluster", "muslsafe {\n cluster none\n search /dev/null\n}", clusters()},
		{"cluster domain called none", "muslsafe {\n cluster none.\n search /dev/null\n}", clusters("none.")},
		{"zones", "muslsafe example.ORG example.net. 10.0.0.0/8 {\n search /dev/null\n}", func(cfg *config) {
			cfg.zones = []domain{"example.org.", "example.net.", "10.in-addr.arpa."}
		}},
		{"longest domain", "muslsafe {\n search /dev/null\n except " + strings.Repeat("a.", 125) + "b\n}", func(cfg *config) {
			cfg.except = []domain{domain(strings.Repeat("a.", 125) + "b.")}
		}},
		{"root zone", "muslsafe . {\n search /dev/null\n}", func(cfg *config) { cfg.zones = []domain{"."} }},
		{"all properties", "muslsafe {\n cluster K8s.example.org cluster.local.\n search corp.example.net\n except xn--bcher-kva.example _acme.example.org\n disable pair\n ipv4only\n wildcard\n ttl 0\n report\n clients\n}", func(cfg *config) {
			cfg.suffixes = names.New([]domain{"k8s.example.org.", "cluster.local."}, []domain{"corp.example.net."}, nil)
			cfg.except = []domain{"xn--bcher-kva.example.", "_acme.example.org."}
			cfg.fixes[verdict.Pair] = false
			cfg.fixes[verdict.IPv4Only], cfg.fixes[verdict.Wildcard] = true, true
			cfg.ttl = 0
			cfg.report, cfg.clients = true, true
		}},
		{"largest ttl, all fixes disabled", "muslsafe {\n search /dev/null\n ttl 3600\n disable leak pair search failure fit\n}", func(cfg *config) {
			cfg.ttl = 3600
			cfg.fixes = verdict.Fixes{}
		}},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			got, err := parse(caddy.NewTestController("dns", tc.corefile))
			if err != nil {
				t.Fatal(err)
			}
			want := newConfig()
			want.suffixes = names.New([]domain{names.DefaultCluster}, nil, nil)
			tc.want(want)
			checkConfig(t, got, want)
		})
	}
}

// clusters is a configuration with these cluster domains and no search domains.
func clusters(domains ...domain) func(*config) {
	return func(cfg *config) { cfg.suffixes = names.New(domains, nil, nil) }
}

func checkConfig(t *testing.T, got, want *config) {
	t.Helper()
	if !slices.Equal(got.suffixes.Cluster(), want.suffixes.Cluster()) || !slices.Equal(got.suffixes.Search(), want.suffixes.Search()) {
		t.Errorf("suffixes = %+v; want %+v", got.suffixes, want.suffixes)
	}
	if !slices.Equal(got.zones, want.zones) || !slices.Equal(got.except, want.except) {
		t.Errorf("zones %v except %v; want %v except %v", got.zones, got.except, want.zones, want.except)
	}
	if got.ttl != want.ttl || got.report != want.report || got.clients != want.clients || got.fixes != want.fixes {
		t.Errorf("ttl %d, report %v, clients %v, enabled %v; want %d, %v, %v, %v", got.ttl, got.report, got.clients, got.fixes, want.ttl, want.report, want.clients, want.fixes)
	}
}

// TestWarnings has configurations that are right, and of which a part can have no effect.
func TestWarnings(t *testing.T) {
	const allOff = " disable leak pair search failure fit\n"
	tests := []struct {
		about    string
		corefile string
		keys     []string // of the server block
		want     []string // in the log, a line each
	}{
		{"nothing", "muslsafe {\n search example.org\n wildcard\n}", nil, nil},
		{"wildcard without search domains", "muslsafe {\n search /dev/null\n wildcard\n}", nil, []string{`"wildcard" has no effect`}},
		{"wildcard with search domains of the cluster alone", "muslsafe {\n search svc.cluster.local\n wildcard\n}", nil, []string{`"wildcard" has no effect`, `"svc.cluster.local." is ignored`}},
		{"all fixes disabled", "muslsafe {\n search /dev/null\n" + allOff + "}", nil, []string{"all fixes are disabled"}},
		{"all fixes disabled but for one that is off by default", "muslsafe {\n search /dev/null\n" + allOff + " ipv4only\n}", nil, nil},
		{"all fixes disabled, and clients counted", "muslsafe {\n search /dev/null\n" + allOff + " clients\n}", nil, nil},
		{"search list of a pod", "muslsafe {\n search default.svc.cluster.local cluster.local example.org\n}", nil, []string{`"default.svc.cluster.local." is ignored`, `"cluster.local." is ignored`}},
		{"no cluster, and the search list of a pod", "muslsafe {\n cluster none\n search svc.cluster.local\n absolute\n}", nil, nil},
		{"complete without a cluster", "muslsafe {\n cluster none\n search example.org\n complete\n}", nil, []string{`"complete" has no effect without a cluster domain`}},
		{"absolute without any domain", "muslsafe {\n cluster none\n search /dev/null\n absolute\n}", nil, []string{`"absolute" has no effect without a cluster domain or a search domain`}},
		{"cluster domain below another one", "muslsafe {\n search /dev/null\n cluster local cluster.local\n}", nil, []string{`cluster domain "cluster.local." is below cluster domain "local."`}},
		{"two cluster domains side by side", "muslsafe {\n search /dev/null\n cluster cluster.local k8s.local\n}", nil, nil},
		{"cluster domain that begins with another one", "muslsafe {\n search /dev/null\n cluster cluster.local cluster.local.example.net\n}", nil, nil},
		{"zone outside of the server block", "muslsafe example.net {\n search /dev/null\n}", []string{"example.org"}, []string{"outside the server block"}},
		{"zone above that of the server block", "muslsafe org {\n search /dev/null\n}", []string{"example.org"}, nil},
		{"zone below that of the server block", "muslsafe a.example.org {\n search /dev/null\n}", []string{"example.org"}, nil},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			var text strings.Builder
			golog.SetOutput(&text)
			defer clog.Discard()
			c := caddy.NewTestController("dns", tc.corefile)
			c.ServerBlockKeys = tc.keys
			if _, err := parse(c); err != nil {
				t.Fatal(err)
			}
			got := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
			if text.Len() == 0 {
				got = nil
			}
			isAsWanted := func(line, want string) bool {
				return strings.Contains(line, "[WARNING] plugin/muslsafe: ") && strings.Contains(line, want)
			}
			if !slices.EqualFunc(got, tc.want, isAsWanted) {
				t.Errorf("log = %q; want %q", got, tc.want)
			}
		})
	}
}

// mistake is one in a Corefile. The error must name the line, the token and what is accepted.
type mistake struct {
	about    string
	corefile string
	want     []string
}

// mistakesInProperties are those that have nothing to do with domains.
var mistakesInProperties = []mistake{
	{"unknown property", "muslsafe {\n serach example.org\n}", []string{":2 ", `unknown property "serach"`, validProperties}},
	{"unknown fix", "muslsafe {\n\n disable leaks\n}", []string{":3 ", `unknown fix "leaks"`, "leak, pair, search, failure, fit"}},
	{"empty fix", "muslsafe {\n disable \"\"\n}", []string{":2 ", `unknown fix ""`, "leak, pair, search, failure, fit"}},
	{"fix that is off", "muslsafe {\n disable wildcard\n}", []string{":2 ", `unknown fix "wildcard"`, "leak, pair, search, failure, fit"}},
	{"ipv4only with argument", "muslsafe {\n ipv4only yes\n}", []string{":2 ", `"yes"`, "ipv4only", "takes none"}},
	{"dot with argument", "muslsafe {\n dot .\n}", []string{":2 ", `"."`, "dot", "takes none"}},
	{"wildcard with argument", "muslsafe {\n wildcard example.org\n}", []string{":2 ", `"example.org"`, "wildcard", "takes none"}},
	{"fix disabled twice", "muslsafe {\n disable leak leak\n}", []string{":2 ", `"leak"`, "once"}},
	{"cluster without domain", "muslsafe {\n cluster\n}", []string{":2 ", `"cluster"`, "cluster DOMAIN..."}},
	{"search without argument", "muslsafe {\n search\n}", []string{":2 ", `"search"`, "search DOMAIN... | FILE"}},
	{"except without argument", "muslsafe {\n except\n}", []string{":2 ", `"except"`, "except NAME..."}},
	{"disable without argument", "muslsafe {\n disable\n}", []string{":2 ", `"disable"`, "disable FIX..."}},
	{"ttl without argument", "muslsafe {\n ttl\n}", []string{":2 ", `"ttl"`, "ttl SECONDS"}},
	{"ttl with a unit", "muslsafe {\n ttl 30s\n}", []string{":2 ", `"30s"`, "whole seconds from 0 to 3600"}},
	{"negative ttl", "muslsafe {\n ttl -1\n}", []string{":2 ", `"-1"`, "whole seconds from 0 to 3600"}},
	{"ttl just too large", "muslsafe {\n ttl 3601\n}", []string{":2 ", `"3601"`, "whole seconds from 0 to 3600"}},
	{"two ttls", "muslsafe {\n ttl 30 40\n}", []string{":2 ", `"40"`, "ttl SECONDS"}},
	{"report with argument", "muslsafe {\n report on\n}", []string{":2 ", `"on"`, "report", "takes none"}},
	{"property twice", "muslsafe {\n ttl 30\n ttl 30\n}", []string{":3 ", `"ttl"`, "once"}},
	{"block on one line", "muslsafe { report }", []string{":1 ", `"}"`, "takes none"}},
	{"block of a property", "muslsafe {\n report {\n }\n}", []string{":4 ", `unexpected token "}"`}},
	{"token after the block", "muslsafe {\n report\n} example.org", []string{":3 ", `unexpected token "example.org"`}},
	{"block without an end", "muslsafe {\n report\n cache 30", []string{":3 ", `"cache" is a plugin`, "expect } before it", "{ in line 1"}},
	{"block without an end after an empty line", "\nmuslsafe example.org {\n\n forward . 192.0.2.53", []string{":4 ", `"forward" is a plugin`, "{ in line 2"}},
	{"twice in a block", "muslsafe {\n search /dev/null\n}\nmuslsafe", []string{":4 ", `"muslsafe"`, "once"}},
}

const validProperties = "cluster, search, except, disable, ipv4only, complete, absolute, wildcard, dot, ttl, report, clients"

// tooLong is a domain of 253 characters.
var tooLong = strings.Repeat("a.", 126) + "b"

// mistakesInDomains are those in a domain, a zone or a list of them.
var mistakesInDomains = []mistake{
	{"empty label", "muslsafe {\n cluster cluster..local\n}", []string{":2 ", `"cluster..local"`, "labels of 1 to 63 characters"}},
	{"long label", "muslsafe {\n cluster " + strings.Repeat("a", 64) + ".local\n}", []string{":2 ", "aaa.local\"", "labels of 1 to 63 characters"}},
	{"long domain", "muslsafe {\n cluster " + tooLong + "\n}", []string{":2 ", tooLong, "at most 251 characters"}},
	{"no cluster and a domain", "muslsafe {\n cluster none cluster.local\n}", []string{":2 ", `"none" is among other arguments`, "cluster DOMAIN... | none"}},
	{"root as cluster", "muslsafe {\n cluster .\n}", []string{":2 ", `"."`, "below the root"}},
	{"root as search", "muslsafe {\n search .\n}", []string{":2 ", `"."`, "below the root"}},
	{"U-label", "muslsafe {\n search bücher.example\n}", []string{":2 ", `"bücher.example"`, "xn--"}},
	{"escape", "muslsafe {\n search a\\.b\n}", []string{":2 ", `"a\\.b"`, "letters, digits, hyphens and underscores"}},
	{"domain twice", "muslsafe {\n search example.org Example.org.\n}", []string{":2 ", `"Example.org."`, "once"}},
	{"file and domain", "muslsafe {\n search example.org /etc/resolv.conf\n}", []string{":2 ", `"/etc/resolv.conf"`, "search DOMAIN... or search FILE"}},
	{"bad zone", "muslsafe example..org", []string{":1 ", `"example..org"`, "domain name"}},
	{"bad zone after a good one", "muslsafe example.org a..b", []string{":1 ", `"a..b"`, "domain name"}},
	{"U-label as zone", "muslsafe bücher.example", []string{":1 ", `"bücher.example"`, "xn--"}},
	{"property in place of a zone", "muslsafe report", []string{":1 ", `"report"`, "between { and }"}},
	{"zone twice", "muslsafe example.org Example.ORG", []string{":1 ", `"Example.ORG"`, "once"}},
	{"address as search domain", "muslsafe {\n search 192.0.2.53\n}", []string{":2 ", `"192.0.2.53"`, "expect a name"}},
	{"file without a slash", "muslsafe {\n search setup_test.go\n}", []string{":2 ", `"setup_test.go"`, "./setup_test.go"}},
	{"domain of 252 characters", "muslsafe {\n cluster " + strings.Repeat("a.", 125) + "bb\n}", []string{":2 ", "at most 251 characters"}},
}

// mistakesInFiles are those in the name of a resolv.conf.
func mistakesInFiles(t *testing.T) []mistake {
	missing := filepath.Join(t.TempDir(), "resolv.conf")
	return []mistake{
		{"missing file", "muslsafe {\n search " + missing + "\n}", []string{":2 ", missing, "no such file", "expect a readable resolv.conf"}},
		{"directory", "muslsafe {\n search " + t.TempDir() + "\n}", []string{":2 ", "is a directory"}},
	}
}

// TestParseErrors makes one mistake after the other.
func TestParseErrors(t *testing.T) {
	for _, tc := range slices.Concat(mistakesInProperties, mistakesInDomains, mistakesInFiles(t)) {
		t.Run(tc.about, func(t *testing.T) {
			err := setup(caddy.NewTestController("dns", tc.corefile))
			if err == nil {
				t.Fatalf("no error for %q", tc.corefile)
			}
			for _, want := range append(tc.want, "plugin/muslsafe: Testfile") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error = %q; want %q in it", err, want)
				}
			}
		})
	}
}

// TestSearchFileBelowRoot checks that a relative file is found in the directory of the root plugin.
func TestSearchFileBelowRoot(t *testing.T) {
	file := resolvConf(t, "search example.org\n")
	c := caddy.NewTestController("dns", "muslsafe {\n search ./resolv.conf\n}")
	dnsserver.GetConfig(c).Root = filepath.Dir(file)
	cfg, err := parse(c)
	if err != nil || !slices.Equal(cfg.suffixes.Search(), []domain{"example.org."}) {
		t.Errorf("parse = %+v, %v; want the search list of %s", cfg, err, file)
	}
}

// TestSearchFileIsReadAgain checks that a new setup, as after a reload, sees the new search list.
func TestSearchFileIsReadAgain(t *testing.T) {
	file := resolvConf(t, "search example.org\n")
	for _, want := range []domain{"example.org.", "example.net."} {
		if err := os.WriteFile(file, []byte("search "+want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := parse(caddy.NewTestController("dns", "muslsafe {\n search "+file+"\n}"))
		if err != nil || !slices.Equal(cfg.suffixes.Search(), []domain{want}) {
			t.Errorf("parse = %+v, %v; want search domain %s", cfg, err, want)
		}
	}
}

// TestConfigString looks at the line that is logged at start-up.
func TestConfigString(t *testing.T) {
	for corefile, want := range map[string]string{
		"muslsafe {\n search example.org\n disable pair\n report\n}": "cluster domains [cluster.local.]; search domains [example.org.] from the Corefile; report only [leak search failure fit]",
		"muslsafe {\n cluster none\n search /dev/null\n}":            "cluster domains []; search domains [] from /dev/null; fixes [leak pair search failure fit]",
	} {
		cfg, err := parse(caddy.NewTestController("dns", corefile))
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.String(); got != want {
			t.Errorf("String = %q; want %q", got, want)
		}
	}
}

// FuzzParse checks that no Corefile makes the parser panic, and that an error always says where it is.
func FuzzParse(f *testing.F) {
	f.Add("muslsafe example.org {\n cluster a.b\n search c.d\n except e.f\n disable leak pair\n ttl 5\n report\n}")
	f.Add("muslsafe {\n search /dev/null\n}\nmuslsafe")
	f.Add("muslsafe {\n ttl {\n }\n}")
	f.Fuzz(func(t *testing.T, corefile string) {
		if !strings.HasPrefix(corefile, "muslsafe") {
			return
		}
		if cfg, err := parse(caddy.NewTestController("dns", corefile)); err == nil && cfg == nil {
			t.Error("neither configuration nor error")
		} else if err != nil && !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("error without a place: %v", err)
		}
	})
}
