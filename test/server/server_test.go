// Package server runs muslsafe in whole servers: behind every kind of listener, and among the plugins that change
// answers as well.
package server

import (
	"os"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	coretest "github.com/coredns/coredns/test"

	"github.com/muslsafe/coredns-muslsafe/build/chain"
	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) {
	if err := chain.Install(); err != nil {
		panic(err)
	}
	os.Exit(lab.Main(m))
}

// start runs a server in this process, so that the race detector watches it. The zone of each example is
//
//	www.example.org.     A, and AAAA is denied
//	nope.example.org.    denied for both
func start(t *testing.T, corefile string) *caddy.Instance {
	t.Helper()
	lab.Require(t)
	instance, err := coretest.CoreDNSServer(strings.ReplaceAll(corefile, "UPSTREAM", loadBalancer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
	})
	return instance
}

// loadBalancer answers as one that knows A records alone.
const loadBalancer = `
    template IN A example.org {
        match ^(www|real)[.]example[.]org[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.80"
        fallthrough
    }
    template IN ANY . {
        rcode NXDOMAIN
        authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
    }
`

// TestAmongPlugins puts muslsafe beside the plugins that answer, change or refuse queries too.
func TestAmongPlugins(t *testing.T) {
	tests := []struct {
		about    string
		corefile string
		cases    string
	}{
		{"alone", `. {
			muslsafe
			UPSTREAM
		}`, `
			www.example.org.                              A     NOERROR 192.0.2.80
			www.example.org.                              AAAA  NOERROR     [pair]
			nope.example.org.                             AAAA  NXDOMAIN
			web.default.svc.cluster.local.example.com.    MX    NXDOMAIN    [leak]
		`},
		{"several blocks, each with its own configuration", `
		(musl) {
			muslsafe {
				cluster k8s.example.net
			}
		}
		example.org {
			muslsafe example.org {
				disable pair
			}
			UPSTREAM
		}
		example.com {
			import musl
			UPSTREAM
		}`, `
			www.example.org.                              AAAA  NXDOMAIN
			web.default.svc.k8s.example.net.example.com.  A     NXDOMAIN    [leak]
			web.default.svc.cluster.local.example.com.    A     NXDOMAIN
		`},
		{"zones and exceptions", `. {
			muslsafe example.org example.com {
				except safe.example.com
			}
			UPSTREAM
		}`, `
			web.default.svc.cluster.local.example.com.       A  NXDOMAIN    [leak]
			web.default.svc.cluster.local.SAFE.example.com.  A  NXDOMAIN
			web.default.svc.cluster.local.example.net.       A  NXDOMAIN
		`},
		{"cache, on hits too", `. {
			muslsafe
			cache 30
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
			www.example.org.     AAAA  NOERROR     [pair]
			www.example.org.     A     NOERROR     192.0.2.80
			www.example.org.     A     NOERROR     192.0.2.80
			nope.example.org.    A     NXDOMAIN
			nope.example.org.    AAAA  NXDOMAIN
		`},
		{"dns64 makes an address of the NODATA", `. {
			dns64 {
				allow_ipv4
			}
			muslsafe
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     64:ff9b::c000:250
			nope.example.org.    AAAA  NXDOMAIN
			web.default.svc.cluster.local.example.com.  AAAA  NXDOMAIN  [leak]
		`},
		{"rewrite of a name to a longer one", `. {
			muslsafe
			rewrite name exact alias.example.org real.example.org answer auto
			UPSTREAM
		}`, `
			alias.example.org.   A     NOERROR     192.0.2.80
			alias.example.org.   AAAA  NOERROR     [pair]
		`},
		{"rewrite of a name to a shorter one", `. {
			muslsafe {
				search corp.example.com
			}
			rewrite stop name exact averyveryverylongname.corp.example.com real.example.org answer auto
			UPSTREAM
		}`, `
			averyveryverylongname.corp.example.com.  A     NOERROR  192.0.2.80
			averyveryverylongname.corp.example.com.  AAAA  NOERROR  [pair]
		`},
		{"rewrite of a suffix", `. {
			muslsafe
			rewrite stop name suffix .example.com .example.org answer auto
			UPSTREAM
		}`, `
			www.example.com.     A     NOERROR     192.0.2.80
			www.example.com.     AAAA  NOERROR     [pair]
		`},
		{"rewrite of a type", `. {
			muslsafe
			rewrite type MX A
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
		`},
		{"rewrite of EDNS options", `. {
			muslsafe
			rewrite edns0 local set 0xffee 0x61626364
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
		`},
		{"zone of the block that contains the cluster domain", `cluster.local.dc1.example {
			muslsafe
			template IN A . {
				answer "{{ .Name }} 60 IN A 192.0.2.7"
			}
		}`, `
			web.ns.svc.cluster.local.dc1.example.      A  NOERROR     192.0.2.7
			web.ns.svc.cluster.local.ns.svc.cluster.local.dc1.example.  A  NXDOMAIN  [leak]
		`},
		{"minimal and loadbalance", `. {
			loadbalance
			muslsafe
			minimal
			UPSTREAM
		}`, `
			www.example.org.     A     NOERROR     192.0.2.80
			www.example.org.     AAAA  NOERROR     [pair]
			nope.example.org.    A     NXDOMAIN
		`},
		{"acl that refuses the sibling hides its address", `. {
			muslsafe
			acl {
				block type A net 127.0.0.0/8
			}
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
			nope.example.org.    AAAA  NOERROR     [pair]
		`},
		{"acl that drops the sibling hides its address", `. {
			muslsafe
			acl {
				drop type A net 127.0.0.0/8
			}
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
			nope.example.org.    AAAA  NOERROR     [pair]
		`},
		{"acl that lets the client ask", `. {
			muslsafe
			acl {
				allow net 127.0.0.0/8
				block
			}
			UPSTREAM
		}`, `
			www.example.org.     AAAA  NOERROR     [pair]
		`},
		{"report", `. {
			muslsafe {
				report
			}
			UPSTREAM
		}`, `
			www.example.org.                              AAAA  NXDOMAIN
			web.default.svc.cluster.local.example.com.    A     NXDOMAIN
		`},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			start(t, tc.corefile)
			lab.Ask(t, tc.cases)
		})
	}
}

// TestAutopath has the disagreement of coredns/coredns#3765: autopath finds an A record further down the search
// list, and for AAAA finds nothing anywhere.
func TestAutopath(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "search default.svc.cluster.local example.org\n")
	start(t, `. {
		muslsafe
		autopath /etc/resolv.conf
		UPSTREAM
	}`)
	lab.Ask(t, `
		www.default.svc.cluster.local.   A     NOERROR "www.example.org. 192.0.2.80"
		www.default.svc.cluster.local.   AAAA  NOERROR  [pair]
		nope.default.svc.cluster.local.  AAAA  NXDOMAIN
	`)
}
