package server

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestLog shows the fix in the log, and what is in force in one line at the start.
func TestLog(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "search corp.example.com\n")
	server := lab.CoreDNS(t, strings.ReplaceAll(`example.org example.com {
		cache 30
		metadata
		log . "saw {name} {type} {rcode} fix={/muslsafe/fix}"
		muslsafe
		UPSTREAM
	}`, "UPSTREAM", loadBalancer), nil)
	lab.Query(t, leaked, dns.TypeSRV)
	lab.Query(t, "www.example.org.", dns.TypeAAAA)
	lab.Query(t, "www.example.org.", dns.TypeA)

	for _, want := range []string{
		"saw " + leaked + " SRV NXDOMAIN fix=leak\n",
		"saw www.example.org. AAAA NOERROR fix=pair\n",
		"saw www.example.org. A NOERROR fix=-\n",
	} {
		server.Await(t, want) // the line is written after the answer
	}
	const line = "cluster domains [cluster.local.]; search domains [corp.example.com.] from /etc/resolv.conf; fixes [leak pair search failure fit]\n"
	if n := strings.Count(server.Log(), line); n != 1 {
		t.Errorf("%q is %d times in the log; want once:\n%s", line, n, server.Log())
	}
}

// TestReload changes the file that holds the search list, and reloads.
func TestReload(t *testing.T) {
	lab.Require(t)
	const pile = "db.corp.example.com.corp.example.com."
	lab.ResolvConf(t, "search example.net\n")
	server := lab.CoreDNS(t, `. {
		muslsafe
		template IN ANY . {
			rcode NOERROR
		}
	}`, nil)
	if m := lab.Query(t, pile, dns.TypeA); m.Rcode != dns.RcodeSuccess {
		t.Fatalf("before the reload: %v; want the answer of the upstream", m)
	}
	lab.ResolvConf(t, "search corp.example.com\n")
	server.Signal(t, syscall.SIGUSR1, "SIGUSR1: Reloading")
	server.Await(t, "Reloading complete")
	if m := lab.Query(t, pile, dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("after the reload: %v; want NXDOMAIN", m)
	}
}

// TestReloadOfBrokenCorefile keeps the old configuration serving.
func TestReloadOfBrokenCorefile(t *testing.T) {
	lab.Require(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "Corefile")
	lab.WriteFile(t, conf, ". {\n muslsafe\n whoami\n}\n")
	server := lab.Run(t, dir, "-conf", conf)
	lab.WriteFile(t, conf, ". {\n muslsafe {\n  disable leek\n }\n whoami\n}\n")
	server.Signal(t, syscall.SIGUSR1, "SIGUSR1: Reloading")
	server.Await(t, `Corefile:3 - Error during parsing: unknown fix "leek"; expect one of leak, pair, search, failure, fit`)
	if m := lab.Query(t, leaked, dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("after the reload failed: %v; want NXDOMAIN", m)
	}
}

// TestWrongCorefile checks that a mistake ends the binary with the place and the token, also in a snippet.
func TestWrongCorefile(t *testing.T) {
	lab.Require(t)
	for _, tc := range []struct{ corefile, want string }{
		{". {\n muslsafe {\n  ttl never\n }\n}", `Corefile:3 - Error during parsing: invalid ttl "never"; expect whole seconds from 0 to 3600`},
		{"(musl) {\n muslsafe {\n  search /nowhere/resolv.conf\n }\n}\n. {\n import musl\n}", `Corefile:3 - Error during parsing: search file "/nowhere/resolv.conf"`},
		{"(musl) {\n muslsafe\n}\n. {\n import musl\n muslsafe {\n  report\n }\n}", `Corefile:6 - Error during parsing: "muslsafe" is used twice in this server block`},
	} {
		out, err := exec.Command(lab.Binary(t), "-conf", corefile(t, tc.corefile)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), tc.want) {
			t.Errorf("%v, output %q; want a failure with %q", err, out, tc.want)
		}
	}
}

func corefile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Corefile")
	lab.WriteFile(t, file, text)
	return file
}

// TestBinary checks what the binary is and what it says of itself, and that a Corefile in the working directory wins
// over the built-in one.
func TestBinary(t *testing.T) {
	lab.Require(t)
	file, err := elf.Open(lab.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the binary needs a dynamic loader; want it static")
	}
	out, err := exec.Command(lab.Binary(t), "-version").Output()
	if err != nil || !strings.HasPrefix(string(out), "CoreDNS-1.15.0+muslsafe-") {
		t.Errorf("-version = %q, %v; want the version of CoreDNS and ours", out, err)
	}
	out, err = exec.Command(lab.Binary(t), "-plugins").Output()
	if err != nil {
		t.Fatal(err)
	}
	have := strings.Fields(string(out))
	for _, name := range dnsserver.Directives { // with muslsafe, see TestMain
		if !slices.Contains(have, name) {
			t.Errorf("-plugins does not list %s", name)
		}
	}

	lab.Run(t, filepath.Dir(corefile(t, ". {\n muslsafe\n whoami\n}\n")))
	if m := lab.Query(t, leaked, dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("Corefile in the working directory: %v; want NXDOMAIN", m)
	}
}

// TestPort checks that the flag for the default port holds for the built-in Corefile too.
func TestPort(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 127.0.0.3\n")
	lab.Run(t, t.TempDir(), "-p", "1999")
	if m, err := dns.Exchange(new(dns.Msg).SetQuestion(leaked, dns.TypeA), "127.0.0.1:1999"); err != nil || m.Rcode != dns.RcodeNameError {
		t.Errorf("reply = %v, %v; want NXDOMAIN on port 1999", m, err)
	}
}

// TestStockCorefile starts a Corefile that was written for the stock binary, with the plugins that people use most.
func TestStockCorefile(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 127.0.0.3\n")
	lab.CoreDNS(t, ". {\n bind 127.0.0.3\n whoami\n}", nil)
	lab.CoreDNS(t, `. {
		bind 127.0.0.1
		errors
		log
		health
		ready
		prometheus 127.0.0.1:9153
		cache 30 {
			serve_stale
		}
		forward . /etc/resolv.conf
		rewrite stop name exact a.example.org b.example.org
		loadbalance round_robin
		reload 30s
		bufsize 1232
		chaos
		minimal
		hosts {
			192.0.2.1 host.example.org
			fallthrough
		}
	}`, nil)
	if m := lab.Query(t, "host.example.org.", dns.TypeA); len(m.Answer) != 1 {
		t.Errorf("reply = %v; want the address of hosts", m)
	}
}
