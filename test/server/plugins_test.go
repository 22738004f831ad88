package server

import (
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestAlone has muslsafe with nothing but an upstream behind it.
func TestAlone(t *testing.T) {
	check(t, []row{
		{"alone", `. {
			muslsafe
			UPSTREAM
		}`, `
			www.example.org.                              A     NOERROR 192.0.2.80
			www.example.org.                              AAAA  NOERROR     [pair]
			nope.example.org.                             AAAA  NXDOMAIN
			web.default.svc.cluster.local.example.com.    MX    NXDOMAIN    [leak]
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
	})
}

// TestZones has muslsafe in blocks of several zones, and for some of the names in them.
func TestZones(t *testing.T) {
	check(t, []row{
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
		{"zone of the block that contains the cluster domain", `cluster.local.dc1.example {
			muslsafe
			template IN A . {
				answer "{{ .Name }} 60 IN A 192.0.2.7"
			}
		}`, `
			web.ns.svc.cluster.local.dc1.example.      A  NOERROR     192.0.2.7
			web.ns.svc.cluster.local.ns.svc.cluster.local.dc1.example.  A  NXDOMAIN  [leak]
		`},
	})
}

// TestAmongPlugins puts muslsafe beside plugins that answer queries or change answers too.
func TestAmongPlugins(t *testing.T) {
	check(t, []row{
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
	})
}

// TestRewrite has queries that are not what the client asked.
func TestRewrite(t *testing.T) {
	check(t, []row{
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
	})
}

// TestACL has a client that may not ask everything.
func TestACL(t *testing.T) {
	check(t, []row{
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
	})
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
