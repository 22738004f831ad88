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

// row is a server, and what it answers.
type row struct {
	about    string
	corefile string
	cases    string // for lab.Ask
}

func check(t *testing.T, rows []row) {
	for _, r := range rows {
		t.Run(r.about, func(t *testing.T) {
			start(t, r.corefile)
			lab.Ask(t, r.cases)
		})
	}
}
