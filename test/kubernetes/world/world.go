// Package world has what the tests put around muslsafe in a cluster: the DNS of a company, and what pods look up.
package world

import _ "embed" // of the manifests

// CompanyIP is the address of the DNS of the nodes.
const CompanyIP = "192.0.2.53"

// NodeResolvConf is the resolv.conf of the nodes, which their DNS pods share.
const NodeResolvConf = "nameserver " + CompanyIP + "\nsearch corp.example.com\n"

// ClusterDNS is the address of the cluster's DNS.
const ClusterDNS = "10.96.0.10"

// Manifests are a namespace with what pods look up in it, and the Service of the cluster's DNS.
//
//go:embed world.yaml
var Manifests string

// CoreDNS is the Deployment of the cluster's DNS, with what kubeadm sets in it. It runs the image of this repository, without
// muslsafe in the Corefile.
//
//go:embed coredns.yaml
var CoreDNS string

// NodeLocalDNS is a DaemonSet before it, with what NodeLocal DNSCache sets in its own, and the same image.
//
//go:embed nodelocaldns.yaml
var NodeLocalDNS string

// Company is the Corefile of the DNS of the nodes: it has public names, of which one denies AAAA, and for its own domain it
// has no NXDOMAIN. Some names are there in any number, so that no cache has them.
const Company = `
corp.example.com {
    bind 192.0.2.53
    template IN A corp.example.com {
        match ^(db|q[-0-9]+)[.]corp[.]example[.]com[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.20"
        fallthrough
    }
    template IN ANY corp.example.com {
        authority "corp.example.com. 60 IN SOA ns.corp.example.com. hostmaster.corp.example.com. 1 7200 1800 86400 60"
    }
}
example.org {
    bind 192.0.2.53
    template IN AAAA broken.example.org {
        rcode NXDOMAIN
        authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
    }
    file example.org.zone
}
. {
    bind 192.0.2.53
    template IN ANY . {
        rcode NXDOMAIN
        authority ". 60 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
    }
}
`

// CompanyZone is its file example.org.zone.
const CompanyZone = `@ 60 IN SOA ns hostmaster 1 7200 1800 86400 60
www    60 IN A 192.0.2.80
broken 60 IN A 192.0.2.81
*.load 60 IN A 192.0.2.82
`

// Names are what pods look up, each with the address that every libc must find.
var Names = []struct{ Name, Addr string }{
	{"httpd", "10.96.7.7"},
	{"httpd.dnscheck", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local.", "10.96.7.7"},
	{"web-0.web", "192.0.2.10"},
	{"ext", "192.0.2.80"},
	{"www.example.org", "192.0.2.80"},
	{"broken.example.org", "192.0.2.81"},
	{"db.corp.example.com", "192.0.2.20"},
	{"db", "192.0.2.20"},
}
