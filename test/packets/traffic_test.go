package packets

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// recordedFile has the traffic, one packet a line: "query UDP|TCP CLIENT[,CLIENT...] HEX" in the order in which they came,
// and "answer UDP|TCP plain|edns HEX" for each question that went upstream.
const recordedFile = "testdata/recorded.txt"

// query is a packet of a client.
type query struct {
	network string
	clients []string // that sent it, but for its ID
	packet  []byte
}

// question is what the answer of an upstream depends on.
type question struct {
	dns.Question // in lower case
	network      string
	edns         bool
}

func questionOf(network string, r *dns.Msg) question {
	q := r.Question[0]
	q.Name = strings.ToLower(q.Name)
	if isProbe(q.Name) {
		_, q.Name, _ = strings.Cut(q.Name, ".")
		q.Name = probe + q.Name
	}
	return question{q, network, r.IsEdns0() != nil}
}

// probe stands for a random name.
const probe = "muslsafe-random."

func isProbe(name string) bool { return strings.HasPrefix(name, "muslsafe-") }

// traffic is what clients sent, and what upstreams said.
type traffic struct {
	queries []*query
	answers map[question][]byte
}

// readTraffic reads the file.
func readTraffic(t testing.TB) traffic {
	t.Helper()
	file, err := os.Open(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tr := traffic{answers: make(map[question][]byte)}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4*dns.MaxMsgSize)
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			if err := tr.add(line); err != nil {
				t.Fatalf("%s: %q: %v", recordedFile, line, err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr *traffic) add(line string) error {
	var kind, network, about, digits string
	if _, err := fmt.Sscan(line, &kind, &network, &about, &digits); err != nil {
		return err
	}
	packet, err := hex.DecodeString(digits)
	if err != nil {
		return err
	}
	if kind == "query" {
		tr.queries = append(tr.queries, &query{network, strings.Split(about, ","), packet})
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(packet); err != nil || len(m.Question) != 1 {
		return fmt.Errorf("no answer to one question: %v", err)
	}
	q := questionOf(network, m)
	q.edns = about == "edns"
	tr.answers[q] = packet
	return nil
}

// write writes the file. An answer over TCP is left out where it is that over UDP.
func (tr *traffic) write(comment string) error {
	var out bytes.Buffer
	fmt.Fprint(&out, comment)
	for _, q := range tr.queries {
		fmt.Fprintf(&out, "query %s %s %x\n", q.network, strings.Join(q.clients, ","), q.packet)
	}
	var answers []string
	for q, packet := range tr.answers {
		udp := q
		udp.network = "udp"
		if q.network == "tcp" && bytes.Equal(packet, tr.answers[udp]) {
			continue
		}
		about := map[bool]string{false: "plain", true: "edns"}[q.edns]
		answers = append(answers, fmt.Sprintf("answer %s %s %x\n", q.network, about, packet))
	}
	slices.Sort(answers)
	fmt.Fprint(&out, strings.Join(answers, ""))
	return os.WriteFile(recordedFile, out.Bytes(), 0o644)
}

// upstream answers as the recorded ones, and REFUSED where nothing was recorded. The same question always gets the same.
func (tr *traffic) upstream(network string, packet []byte) []byte {
	r := new(dns.Msg)
	if err := r.Unpack(packet); err != nil || len(r.Question) != 1 {
		return nil
	}
	q := questionOf(network, r)
	wire, ok := tr.answers[q]
	if !ok {
		q.network = "udp"
		wire, ok = tr.answers[q]
	}
	m := new(dns.Msg).SetRcode(r, dns.RcodeRefused)
	if ok {
		m = answerTo(r, wire)
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

// answerTo makes a recorded answer one to r, as the server that gave it would.
func answerTo(r *dns.Msg, wire []byte) *dns.Msg {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		panic(err) // it was read before
	}
	for _, rr := range m.Answer {
		if rr.Header().Name == m.Question[0].Name {
			rr.Header().Name = r.Question[0].Name
		}
	}
	m.Id, m.Question, m.Compress = r.Id, r.Question, true
	m.RecursionDesired, m.CheckingDisabled = r.RecursionDesired, r.CheckingDisabled
	return m
}
