package diagnosis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Tool is what a program that people test DNS with shows for a name. It judges each answer by itself, as no libc does.
type Tool struct {
	Name   string       // nslookup, of BusyBox, or dig
	Addrs  []netip.Addr // that it shows
	Errors []string     // that it shows beside them
	Status int          // its exit status
	Asks   string       // what it asks for, in words
}

// Works reports whether a person who reads the output takes the lookup for a good one.
func (t Tool) Works() bool { return len(t.Addrs) > 0 }

// maxNslookup is how much of a reply nslookup of BusyBox reads.
const maxNslookup = 512

// maxName is how long a name in a question of nslookup may be, in octets.
const maxName = 253

// digTimeout is the exit status of dig where no server replies.
const digTimeout = 9

// tools returns what the programs show for a name.
func (d *Doctor) tools(name string) []Tool {
	return []Tool{d.nslookup(name), d.dig(name)}
}

// nslookup is the one of BusyBox with a resolver of its own (FEATURE_NSLOOKUP_BIG), as Debian has it, and Alpine since 3.11.3; before,
// it left the lookup to the libc. A name with a dot is asked as it stands, for A and AAAA. A name without a dot is asked in every
// search domain, and never as it stands. The next server is asked only if nothing at all comes back.
func (d *Doctor) nslookup(name string) Tool {
	t := Tool{Name: "nslookup", Asks: "it asks for the name as it stands, without the search list, and judges A and AAAA each by itself"}
	names := []string{dns.Fqdn(name)}
	if search := d.nslookupSearch(); !strings.Contains(name, ".") && len(search) > 0 {
		t.Asks = "it asks in all search domains, and judges each answer by itself"
		names = nil
		for _, domain := range search {
			if full := name + "." + domain; len(full) <= maxName {
				names = append(names, dns.Fqdn(full))
			}
		}
	}
	for _, server := range d.world.servers {
		if d.nslookupAt(server, names, &t) {
			return t
		}
	}
	t.Errors, t.Status = []string{"no reply"}, 1
	return t
}

// nslookupSearch returns the search list of nslookup, which knows no search list that is a dot alone.
func (d *Doctor) nslookupSearch() []string {
	return slices.DeleteFunc(slices.Clone(d.Config().Search), func(domain string) bool { return domain == "." })
}

// nslookupAt puts all questions to one server, and reports whether any reply came.
func (d *Doctor) nslookupAt(server netip.Addr, names []string, t *Tool) (replied bool) {
	var silent []string
	for _, qtype := range pairTypes {
		for _, name := range names {
			r := d.world.reply(server, name, qtype)
			if r.Fate != stub.Answered || len(r.Bytes) < 4 {
				silent = append(silent, "no answer for "+dns.TypeToString[qtype])
				continue
			}
			replied = true
			t.read(r.Bytes, qtype)
		}
	}
	if replied {
		t.note(silent...)
	}
	return replied
}

// read adds what nslookup prints for one reply. A return code other than NOERROR makes its exit status 1.
func (t *Tool) read(msg []byte, qtype uint16) {
	if rcode := int(msg[3] & 15); rcode != dns.RcodeSuccess {
		t.note(rcodeName(rcode) + " for " + dns.TypeToString[qtype])
		t.Status = 1
		return
	}
	m := new(dns.Msg)
	if len(msg) > maxNslookup || m.Unpack(msg) != nil {
		t.note("a parse error for " + dns.TypeToString[qtype])
		t.Status = 1
		return
	}
	t.take(m)
}

// take adds the addresses of a message.
func (t *Tool) take(m *dns.Msg) {
	for _, rr := range m.Answer {
		if addr, ok := Address(rr); ok {
			t.Addrs = append(t.Addrs, addr)
		}
	}
}

// note adds errors, each once.
func (t *Tool) note(errors ...string) {
	for _, e := range errors {
		if !slices.Contains(t.Errors, e) {
			t.Errors = append(t.Errors, e)
		}
	}
}

func rcodeName(rcode int) string {
	if s, ok := dns.RcodeToString[rcode]; ok {
		return s
	}
	return fmt.Sprintf("return code %d", rcode)
}

// dig asks for A alone, of the name as it stands, and over TCP if the answer is cut. It goes on to the next server if one is silent.
// Its questions have EDNS, which those of the libcs have not; a server that answers them in another way is not foreseen here.
func (d *Doctor) dig(name string) Tool {
	t := Tool{Name: "dig", Asks: "it asks for A alone, of the name as it stands, without the search list"}
	for _, server := range d.world.servers {
		r := d.world.reply(server, dns.Fqdn(name), dns.TypeA)
		if r.Fate != stub.Answered {
			continue
		}
		if h := d.world.halfAt(server, dns.Fqdn(name), dns.TypeA); h.say == data {
			t.Addrs = h.addrs
		} else {
			t.Errors = []string{h.text}
		}
		return t
	}
	t.Errors, t.Status = []string{"no reply"}, digTimeout
	return t
}

// Shows says in words what the program shows.
func (t Tool) Shows() string {
	switch {
	case !t.Works() && len(t.Errors) == 0:
		return "shows no address, and no error"
	case !t.Works():
		return "fails: " + strings.Join(t.Errors, ", ")
	case len(t.Errors) == 0:
		return "works: " + short(t.Addrs)
	}
	return "shows " + short(t.Addrs) + ", and " + strings.Join(t.Errors, ", ")
}
