package model

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const (
	randomSeed   = 1
	randomCount  = 60
	mangledCount = 90
)

// The delays of the two halves, in milliseconds: no sum of them comes near another or near the end of a wait,
// so that a busy machine does not change what arrives first.
var (
	delaysA    = []int{0, 0, 0, 150, 700, 1450, 3000}
	delaysAAAA = []int{0, 0, 0, 350, 1050, 1900, 4100}
)

var randomConfs = []string{
	twoDomains, twoDomains, noSearch,
	conf("search d1.test servfail.test d2.test", "options ndots:5"),
	conf("search d1.test nodata.test refused.test d2.test", "options ndots:5"),
	conf("search refused.test d1.test d2.test", "options ndots:5"),
	conf("search d1.test d2.test", "options ndots:5 single-request"),
	conf("search d1.test d2.test", "options ndots:5 timeout:2 attempts:1"),
	conf("nameserver "+silentServer, "search d1.test d2.test", "options ndots:5"),
}

// randomLookups returns lookups that nobody has thought of, the same ones for the same seed.
func randomLookups(count int, seed uint64) (all []lookup) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range count {
		l := lookup{group: "random", conf: pick(r, randomConfs), family: pick(r, []stub.Family{stub.Both, stub.Both, stub.Both, stub.V4, stub.V6})}
		l.name = fmt.Sprintf("%v.%v.TAG", randomBehaviour(r, delaysA), randomBehaviour(r, delaysAAAA))
		if l.conf == noSearch {
			l.name += pick(r, []string{".plain.test", ".plain.test."})
		}
		all = append(all, l)
	}
	return all
}

// mangledLookups puts answers with changed octets beside good ones and beside each other.
func mangledLookups(count int) (all []lookup) {
	for i := range count {
		l := lookup{group: "mangled", conf: noSearch, family: stub.Family(i % 3)}
		switch i % 5 {
		case 0:
			l.name = fmt.Sprintf("data.mangled-n%d.TAG.plain.test.", i)
		case 1:
			l.name = fmt.Sprintf("mangled-n%d.data.TAG.plain.test.", i)
		default:
			l.name = fmt.Sprintf("mangled-n%d.mangled-n%d.TAG.plain.test.", i, i+1)
		}
		all = append(all, l)
	}
	return all
}

// randomBehaviour returns a label for upstream.Parse. Answers that musl before 1.2.4 fills up from its memory are
// left out: what it then returns is not the same twice.
func randomBehaviour(r *rand.Rand, delays []int) string {
	words := []string{pick(r, upstream.Pairable()).String()}
	if r.IntN(5) == 0 {
		words[0] = upstream.Answer(r.IntN(int(upstream.Garbage) + 1)).String()
	}
	if words[0] == upstream.Cut.String() || words[0] == upstream.Mangled.String() {
		words[0] = upstream.Data.String()
	}
	stream := ""
	if r.IntN(3) == 0 {
		stream = pick(r, []string{"xclose", "xreset", "xstall", "xservfail", "xrefused", "xtruncate", "xshort"})
	}
	d := pick(r, delays)
	if stream != "" {
		d = max(d, delays[3]) // a failure at once would race with the other half's packets
	}
	if d > 0 {
		words = append(words, fmt.Sprintf("d%d", d))
	}
	if r.IntN(3) == 0 {
		words = append(words, fmt.Sprintf("f%d%v", 1+r.IntN(4), pick(r, upstream.Pairable())))
	}
	if r.IntN(4) == 0 {
		words = append(words, pick(r, []string{"n40", "n3", "c2", "c9-l60", "u"}))
	}
	if stream != "" {
		words = append(words, stream)
	}
	return strings.Join(words, "-")
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
