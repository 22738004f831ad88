package cluster

import (
	"fmt"
	"testing"
)

// policy lets the pods of a namespace connect to names, and ask for others.
func policy(name, toFQDNs, dns string) string {
	return fmt.Sprintf(`kind: CiliumNetworkPolicy
metadata: {name: %s, namespace: shop}
spec:
  egress:
  - toFQDNs: [%s]
  - toPorts: [{ports: [{port: "53"}], rules: {dns: [%s]}}]
---
`, name, toFQDNs, dns)
}

func TestToFQDNs(t *testing.T) {
	alias := func(names, plugin string) []string {
		return []string{"hazard tofqdns: CiliumNetworkPolicy shop/egress: toFQDNs allows " + names + ", which pods find by an alias: " + plugin + " answers the first name of the search"}
	}
	egress := policy("egress", "{matchName: api.example.org}, {matchPattern: '*.example.com'}", "")
	checkFindings(t, []findingCase{
		{"complete", coreDNS(with("complete")) + egress, nil, alias("api.example.org, *.example.com", "complete")},
		{"absolute", coreDNS(with("absolute")) + egress, nil, alias("api.example.org, *.example.com", "absolute")},
		{"neither", coreDNS(with("ttl 30")) + egress, nil, nil},
		{"one of them excepted", coreDNS(with("complete\n        except example.org")) + egress, nil, alias("*.example.com", "complete")},
		{"both excepted", coreDNS(with("complete\n        except EXAMPLE.org. example.com")) + egress, nil, nil},
		{"excepted in one of two blocks", coreDNS(with("complete\n        except example.org example.com")+"\nexample.net {\n    muslsafe {\n        complete\n    }\n}") + egress, nil,
			alias("api.example.org, *.example.com", "complete")},
		{"the parent is not the name", coreDNS(with("complete\n        except pi.example.org com")) + egress, nil, alias("api.example.org", "complete")},
		{"all names", coreDNS(with("complete")) + policy("egress", "{matchPattern: '*'}", ""), nil, nil},
		{"a part of a label", coreDNS(with("complete\n        except example.com")) + policy("egress", "{matchPattern: 'api-*.example.com'}", ""), nil, nil},
		{"in specs, of the whole cluster", coreDNS(with("complete")) + "kind: CiliumClusterwideNetworkPolicy\nmetadata: {name: all}\nspecs: [{egress: [{toFQDNs: [{matchName: example.org}]}]}]\n", nil,
			[]string{"hazard tofqdns: CiliumClusterwideNetworkPolicy all: toFQDNs allows example.org, which pods find by an alias: complete answers the first name of the search"}},
		{"autopath, which has no exceptions", coreDNS(". {\n    muslsafe {\n        except example.org example.com\n    }\n    autopath @kubernetes\n    kubernetes cluster.local {\n        pods verified\n    }\n}") + egress, nil,
			alias("api.example.org, *.example.com", "autopath")},
		{"without a Corefile", egress, nil, nil},
	})
}

func TestExceptions(t *testing.T) {
	e := &examination{config: config{complete: true, except: []string{"example.net"}}}
	tests := []struct {
		plugin string
		harmed []FQDN
		want   string
	}{
		{"complete", []FQDN{{MatchName: "API.example.org."}, {MatchPattern: "*.example.com"}, {MatchPattern: "a*.b.*.example.com"}},
			"muslsafe {\n    complete\n    except example.net api.example.org example.com\n}\nor no complete"},
		{"autopath", []FQDN{{MatchName: "api.example.org"}}, "no autopath"},
	}
	for _, tc := range tests {
		if got := e.withoutAlias(tc.plugin, tc.harmed); got != tc.want {
			t.Errorf("%s, %v: %q; want %q", tc.plugin, tc.harmed, got, tc.want)
		}
	}
	e.config.except = nil
	if got := e.withoutAlias("complete", []FQDN{{MatchPattern: "*example*"}}); got != "no complete" {
		t.Errorf("a pattern in no domain: %q; want no complete", got)
	}
}

func TestRefused(t *testing.T) {
	const says = "hazard cilium-refused: policies shop/dns: Cilium says REFUSED to names that the DNS rules of these policies do not allow, such as those of a search"
	some := policy("dns", "", "{matchPattern: '*.example.com'}")
	checkFindings(t, []findingCase{
		{"as it comes", cilium("") + some, nil, []string{says}},
		{"written out", cilium("tofqdns-dns-reject-response-code: refused") + some, nil, []string{says}},
		{"NXDOMAIN in its place", cilium("tofqdns-dns-reject-response-code: nameError") + some, nil, nil},
		{"a policy that allows all names", cilium("") + policy("dns", "", "{matchPattern: '*'}, {matchName: example.org}"), nil, nil},
		{"no policy with DNS rules", cilium("") + policy("dns", "{matchName: example.org}", ""), nil, nil},
		{"no settings to read", some, nil, nil},
	})
}

func TestTopLevel(t *testing.T) {
	for name, want := range map[string]bool{"com": true, "dev": true, "uk": true, "ck": true, "dnscheck": false, "kube-system": false, "local": false, "example": false, "github": false} {
		if isTopLevel(name) != want {
			t.Errorf("%s is a top-level domain: %v; want %v", name, !want, want)
		}
	}
	namespace := "kind: Namespace\nmetadata: {name: dev}\n---\nkind: Namespace\nmetadata: {name: billing}\n---\n"
	const head = "advice top-level: Namespace dev: it is called like a top-level domain: "
	checkFindings(t, []findingCase{
		{"without Services", namespace, nil, []string{head + "a Service example in it takes the place of example.dev for every pod"}},
		{"with some", namespace + service("dev", "web", "", "10.96.0.1") + service("dev", "go", "", "10.96.0.2") + service("billing", "com", "", "10.96.0.3"), nil,
			[]string{head + "its Services take the place of go.dev, web.dev for every pod"}},
	})
}
