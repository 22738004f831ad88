package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const leaked = "web.default.svc.cluster.local.example.com."

// TestListeners asks over each transport that a client can use.
func TestListeners(t *testing.T) {
	cert, key := certificate(t)
	start(t, fmt.Sprintf(`
	dns://. tls://. https://. {
		tls %s %s
		muslsafe
		UPSTREAM
	}`, cert, key))

	insecure := &tls.Config{InsecureSkipVerify: true} // the certificate is its own
	client := func(network, addr string) func(*dns.Msg) (*dns.Msg, error) {
		return func(r *dns.Msg) (*dns.Msg, error) {
			c := dns.Client{Net: network, TLSConfig: insecure}
			m, _, err := c.Exchange(r, addr)
			return m, err
		}
	}
	transports := map[string]func(*dns.Msg) (*dns.Msg, error){
		"udp": client("udp", "127.0.0.1:53"),
		"tcp": client("tcp", "127.0.0.1:53"),
		"dot": client("tcp-tls", "127.0.0.1:853"),
		"doh": func(r *dns.Msg) (*dns.Msg, error) { return overHTTPS(r, insecure) },
	}
	for name, exchange := range transports {
		t.Run(name, func(t *testing.T) {
			for _, edns := range []bool{false, true} {
				expect(t, exchange, leaked, dns.TypeTXT, edns, dns.RcodeNameError)
				expect(t, exchange, "WWW.example.org.", dns.TypeAAAA, edns, dns.RcodeSuccess)
			}
		})
	}
}

// expect checks an answer that muslsafe made: negative, authoritative, with an SOA and the question as it was asked.
func expect(t *testing.T, exchange func(*dns.Msg) (*dns.Msg, error), name string, qtype uint16, edns bool, rcode int) {
	t.Helper()
	r := new(dns.Msg).SetQuestion(name, qtype)
	if edns {
		r.SetEdns0(1232, false)
	}
	m, err := exchange(r)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rcode != rcode || !m.Authoritative || m.Truncated || len(m.Answer) != 0 || len(m.Ns) != 1 {
		t.Errorf("reply = %v; want an authoritative %s with an SOA", m, dns.RcodeToString[rcode])
	}
	if len(m.Question) != 1 || m.Question[0] != r.Question[0] {
		t.Errorf("question = %v; want %v", m.Question, r.Question)
	}
	if (m.IsEdns0() != nil) != edns {
		t.Errorf("OPT in the reply: %v; in the query: %v", m.IsEdns0(), edns)
	}
}

func overHTTPS(r *dns.Msg, config *tls.Config) (*dns.Msg, error) {
	wire, err := r.Pack()
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	resp, err := client.Post("https://127.0.0.1/dns-query", "application/dns-message", bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if wire, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(wire)
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"dns.example.org"}}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: certDER}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestValidatorsSeeTheUpstream checks that a query with DO or CD is answered by the upstream alone.
func TestValidatorsSeeTheUpstream(t *testing.T) {
	start(t, `. {
		muslsafe
		UPSTREAM
	}`)
	do := new(dns.Msg).SetQuestion(leaked, dns.TypeA).SetEdns0(1232, true)
	cd := new(dns.Msg).SetQuestion("www.example.org.", dns.TypeAAAA)
	cd.CheckingDisabled = true
	for _, r := range []*dns.Msg{do, cd} {
		m, err := dns.Exchange(r, "127.0.0.1:53")
		if err != nil {
			t.Fatal(err)
		}
		if m.Rcode != dns.RcodeNameError || len(m.Ns) != 1 || m.Ns[0].Header().Name != "example.org." {
			t.Errorf("reply = %v; want the NXDOMAIN of the upstream", m)
		}
	}
}

// TestMetrics reads the counters as Prometheus does, with the labels of server and view.
func TestMetrics(t *testing.T) {
	start(t, `
	.:5353 {
		view pods {
			expr type() != 'TXT'
		}
		prometheus 127.0.0.1:9153
		muslsafe
		UPSTREAM
	}
	.:5353 {
		prometheus 127.0.0.1:9153
		muslsafe
		UPSTREAM
	}`)
	for _, q := range []dns.Question{
		{Name: leaked, Qtype: dns.TypeA}, {Name: leaked, Qtype: dns.TypeTXT},
		{Name: "www.example.org.", Qtype: dns.TypeAAAA}, {Name: "nope.example.org.", Qtype: dns.TypeA},
	} {
		if _, err := dns.Exchange(new(dns.Msg).SetQuestion(q.Name, q.Qtype), "127.0.0.1:5353"); err != nil {
			t.Fatal(err)
		}
	}
	text := lab.Metrics(t, "127.0.0.1")
	for _, want := range []string{
		`coredns_muslsafe_fixes_total{fix="leak",server="dns://:5353",view="pods"} 1`,
		`coredns_muslsafe_fixes_total{fix="leak",server="dns://:5353",view=""} 1`,
		`coredns_muslsafe_fixes_total{fix="pair",server="dns://:5353",view="pods"} 1`,
		`coredns_muslsafe_subqueries_total{result="data",server="dns://:5353",view="pods"} 1`,
		`coredns_muslsafe_subqueries_total{result="nxdomain",server="dns://:5353",view="pods"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
