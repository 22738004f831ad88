// Package compat starts a whole server with every property. make compat does so with other versions of CoreDNS.
package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/coremain"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// hasDot reports whether this CoreDNS is 1.14.5 or later, which lets a plugin stand before the socket.
func hasDot() bool {
	return !regexp.MustCompile(`^1\.(13\.|14\.[0-4]$)`).MatchString(coremain.CoreVersion)
}

// corefile has all properties but report. A name has an address, and its AAAA is denied; acl keeps the address of one from
// everybody.
func corefile(properties string) string {
	return `. {
		errors
		prometheus 127.0.0.1:9153
		acl secret.example.org {
			block type A net 127.0.0.0/8
		}
		muslsafe {
			cluster cluster.local
			search corp.example.com
			except untouched.example.org
			disable fit
			complete
			wildcard
			clients
			ttl 10
			` + properties + `
		}
		cache 30
		template IN A example.org {
			match ^(www|secret|untouched)\.example\.org\.$
			answer "{{ .Name }} 60 IN A 192.0.2.80"
			fallthrough
		}
		template ANY ANY . {
			rcode NXDOMAIN
			authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 60 60 60 60"
		}
	}`
}

// TestEveryProperty asks for what each fix does, and for what acl guards: whether the other half is there or not, the
// answer is the same.
func TestEveryProperty(t *testing.T) {
	lab.Require(t)
	properties := ""
	if hasDot() {
		properties = "dot"
	}
	lab.CoreDNS(t, corefile(properties), nil)
	lab.Ask(t, `
		www.example.org.        A     NOERROR   192.0.2.80
		www.example.org.        AAAA  NOERROR   [pair]
		untouched.example.org.  AAAA  NXDOMAIN
		web.default.svc.cluster.local.corp.example.com.  A  NXDOMAIN  [leak]
		www.example.org.default.svc.cluster.local.  A  NXDOMAIN
		secret.example.org.     AAAA  NOERROR   [pair]
		nope.secret.example.org.  AAAA  NOERROR [pair]
	`)
	if hasDot() {
		reply, err := lab.Exchange("udp", "127.0.0.1:53", lab.DotQuery(), 5*time.Second)
		if err != nil || len(reply) != 12 || reply[3]&0xF != dns.RcodeNameError {
			t.Errorf("%x, %v; want a header with NXDOMAIN", reply, err)
		}
	}
}

// TestOtherProperties has the property that takes the place of pair, and the one that changes nothing.
func TestOtherProperties(t *testing.T) {
	lab.Require(t)
	t.Run("ipv4only", func(t *testing.T) {
		lab.CoreDNS(t, corefile("ipv4only"), nil)
		lab.Ask(t, "www.example.org. AAAA NOERROR [ipv4only]")
	})
	t.Run("report", func(t *testing.T) {
		lab.CoreDNS(t, corefile("report"), nil)
		lab.Ask(t, "www.example.org. AAAA NXDOMAIN")
	})
}

// TestDotMissing checks that the one property that an older CoreDNS has no place for is no silent loss there.
func TestDotMissing(t *testing.T) {
	if hasDot() {
		t.Log("this CoreDNS has it; TestEveryProperty asks")
		return
	}
	file := filepath.Join(t.TempDir(), "Corefile")
	lab.WriteFile(t, file, corefile("dot"))
	out, err := exec.Command(lab.Binary(t), "-conf", file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), `property "dot" needs CoreDNS 1.14.5 or later`) {
		t.Errorf("%v, output %q; want an error that names the property and the version", err, out)
	}
}
