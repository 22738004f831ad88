package server

import (
	"strings"
	"testing"

	coretest "github.com/coredns/coredns/test"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// cluster is the block of the cluster domain, with the namespaces "default" and "prod", and a pod that is
// called web-0.nginx.prod.
const cluster = `
cluster.local {
    muslsafe {
        search corp.example.org
        complete
    }
    template IN A cluster.local {
        match ^web-0[.]nginx[.]prod[.]svc[.]cluster[.]local[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.10"
        fallthrough
    }
    template IN ANY cluster.local {
        match ^((default|prod)[.]svc|web-0[.]nginx[.]prod[.]svc)[.]cluster[.]local[.]$
        authority "cluster.local. 60 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 60"
        fallthrough
    }
    template IN ANY cluster.local {
        rcode NXDOMAIN
        authority "cluster.local. 60 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 60"
    }
}
`

// completed has candidates in other server blocks than the one that the search begins in.
var completed = []row{
	{"a stub domain answers its own", cluster + `
		example.org {
			UPSTREAM
		}
		. {
			template IN ANY . {
				rcode NXDOMAIN
			}
		}`, `
			www.example.org.default.svc.cluster.local.       A     NOERROR  "www.example.org. 192.0.2.80"  [complete]
			www.example.org.default.svc.cluster.local.       AAAA  NOERROR  [complete]
			nope.example.org.default.svc.cluster.local.      A     NXDOMAIN
			nope.example.org.default.svc.cluster.local.      AAAA  NXDOMAIN
			www.example.org.nope.svc.cluster.local.          A     NXDOMAIN
			web-0.nginx.prod.default.svc.cluster.local.      A     NOERROR  "web-0.nginx.prod.svc.cluster.local. 192.0.2.10"  [complete]
			WEB-0.nginx.prod.svc.cluster.local.default.svc.cluster.LOCAL.  A  NOERROR  "web-0.nginx.prod.svc.cluster.local. 192.0.2.10"  [complete]
			www.example.org.prod.svc.cluster.local.          A     NOERROR  "www.example.org. 192.0.2.80"  [complete]
			www.example.org.default.svc.cluster.local.       MX    NXDOMAIN
		`},
	{"a namespace called like a zone, whose servers fail", cluster + `
		dc1.prod {
			template IN ANY . {
				rcode SERVFAIL
			}
		}
		. {
			UPSTREAM
		}`, `
			www.example.org.prod.svc.cluster.local.          A     NXDOMAIN
			www.example.org.default.svc.cluster.local.       A     NOERROR  "www.example.org. 192.0.2.80"  [complete]
		`},
	{"no domain of a search can be got at that acl guards", cluster + `
		. {
			acl {
				block net 127.0.0.0/8 ::1/128
			}
			UPSTREAM
		}`, `
			www.example.org.default.svc.cluster.local.       A     NXDOMAIN
			www.example.org.default.svc.cluster.local.       AAAA  NXDOMAIN
		`},
	{"views decide who gets an answer", cluster + `
		. {
			view six {
				expr type() == 'AAAA'
			}
			template IN ANY . {
				rcode NXDOMAIN
			}
		}
		. {
			view four {
				expr type() == 'A'
			}
			UPSTREAM
		}`, `
			www.example.org.default.svc.cluster.local.       A     NOERROR  "www.example.org. 192.0.2.80"  [complete]
			www.example.org.default.svc.cluster.local.       AAAA  NOERROR  [complete]
		`},
}

func TestComplete(t *testing.T) { check(t, completed) }

// TestCompleteInFront completes in front of another muslsafe, whose own search denies nothing that the proofs need.
func TestCompleteInFront(t *testing.T) {
	behind := strings.NewReplacer("cluster.local {\n    muslsafe", "cluster.local {\n    bind 127.0.0.2\n    muslsafe", "        complete\n", "").Replace(cluster)
	check(t, []row{{"two in a row", behind + `
		. {
			bind 127.0.0.2
			muslsafe {
				cluster cluster.local
				search corp.example.org
			}
			UPSTREAM
		}
		. {
			bind 127.0.0.1
			muslsafe {
				cluster cluster.local
				search corp.example.org
				complete
			}
			forward . 127.0.0.2
		}`, `
			@127.0.0.2:53
			www.example.org.default.svc.cluster.local.       A     NXDOMAIN
			www.example.org.default.svc.cluster.local.       AAAA  NXDOMAIN
			@127.0.0.1:53
			www.example.org.default.svc.cluster.local.       A     NOERROR  "www.example.org. 192.0.2.80"  [complete]
			www.example.org.default.svc.cluster.local.       AAAA  NOERROR  [pair]
			web-0.nginx.prod.default.svc.cluster.local.      A     NOERROR  "web-0.nginx.prod.svc.cluster.local. 192.0.2.10"  [complete]
			www.example.org.nope.svc.cluster.local.          A     NXDOMAIN
		`}})
}

// TestCompleteWithAutopath has both in one block, which is an error that says so, and in two, which is not.
func TestCompleteWithAutopath(t *testing.T) {
	lab.Require(t)
	const both = `. {
		muslsafe {
			complete
		}
		autopath /etc/resolv.conf
	}`
	instance, err := coretest.CoreDNSServer(both)
	if err == nil {
		_ = instance.Stop()
		t.Fatal("the server started")
	}
	for _, want := range []string{"plugin/muslsafe", `"complete"`, "autopath", "expect only one of them"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %q; want %q in it", err, want)
		}
	}
	start(t, strings.Replace(both, "autopath /etc/resolv.conf", "UPSTREAM", 1)+`
	example.org {
		autopath /etc/resolv.conf
		UPSTREAM
	}`)
	lab.Ask(t, "www.example.org.  A  NOERROR  192.0.2.80")
}
