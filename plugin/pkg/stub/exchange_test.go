package stub_test

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

func TestWire(t *testing.T) {
	for _, name := range []string{"www.example.org.", "a.", "."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			m := new(dns.Msg)
			m.SetQuestion(name, qtype)
			m.Id = 0x1234
			want, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if got := (stub.Query{Name: name, Type: qtype}).Wire(0x1234); !bytes.Equal(got, want) {
				t.Errorf("Wire(%s) = % x; want % x", name, got, want)
			}
		}
	}
}

// The malformed question of "search .": the last dot where the root label belongs.
func TestWireMalformed(t *testing.T) {
	got := stub.Query{Name: "www.data.", Type: dns.TypeA, Malformed: true}.Wire(7)
	want := []byte("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x04data\x2e\x00\x01\x00\x01\x00")
	if !bytes.Equal(got, want) {
		t.Errorf("Wire = % x; want % x", got, want)
	}
	if err := new(dns.Msg).Unpack(got); err == nil {
		t.Error("a server can read the malformed question")
	}
}

// What repeats a question is equal to it, so that a caller can remember replies.
func TestQuestion(t *testing.T) {
	seen := make(map[stub.Query]int)
	lookupIn(t, model(t, "musl-1.2.3"), twoDomains, stub.V4, "x", func(q stub.Query) stub.Reply {
		seen[q.Question()]++
		return stub.Reply{}
	})
	if len(seen) != 1 {
		t.Errorf("%d different questions; want 1, asked twice: %v", len(seen), seen)
	}
}
