package querylog

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// maxSuffixes bounds how many suffixes are told apart by each worker.
const maxSuffixes = 1000

// Other stands for the suffixes beyond that.
const Other = "other"

// Stats are counts of queries.
type Stats struct {
	Bytes    int64 `json:"bytes"`
	Queries  int64 `json:"queries"`
	NotRead  int64 `json:"notRead"` // lines that are no queries, or broken
	A        int64 `json:"a"`
	AAAA     int64 `json:"aaaa"`
	Meant    int64 `json:"meant"`        // names without a suffix, and those that are there with one
	Cluster  int64 `json:"clusterSteps"` // names that are not there with a suffix of the cluster
	Node     int64 `json:"nodeSteps"`    // likewise with a search domain of the nodes
	Leaks    int64 `json:"leaks"`
	Failed   int64 `json:"stepsFailed"`    // steps and leaks answered with a failure: musl waits 5 seconds
	Answered int64 `json:"leaksNotDenied"` // leaks answered with NOERROR: musl ends its search, or gets a wrong address

	Pairs    int64 `json:"pairs"`
	Disagree int64 `json:"pairsThatDisagree"` // one half says NXDOMAIN, the other NOERROR
	Half     int64 `json:"pairsHalfFailed"`   // one half fails

	suffixes map[string]*Suffix
}

// A Suffix is one that clients append.
type Suffix struct {
	Name  string `json:"name"`
	Steps int64  `json:"steps"`
	Leaks int64  `json:"leaks"`
	Fails int64  `json:"failed"`
}

// counter counts the lines of one worker.
type counter struct {
	Stats
	names *names.Suffixes
	seed  maphash.Seed
	open  [openHalves]half
}

// openHalves bounds how many halves wait for their other half. One that another takes the place of is no pair.
const openHalves = 1 << 13

// half is one half of a pair, until the other one comes.
type half struct {
	key  uint64 // client and name
	aaaa bool
	set  bool
	says says
}

// says is what musl makes of a return code.
type says uint8

const (
	noerror says = iota
	nxdomain
	failure
)

func newCounter(suffixes *names.Suffixes, seed maphash.Seed) *counter {
	return &counter{names: suffixes, seed: seed, Stats: Stats{suffixes: make(map[string]*Suffix)}}
}

func saysOf(rcode string) says {
	switch rcode {
	case "NOERROR":
		return noerror
	case "NXDOMAIN":
		return nxdomain
	}
	return failure
}

// block counts the lines of a text.
func (c *counter) block(text string) {
	c.Bytes += int64(len(text))
	for len(text) > 0 {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		r, ok := parse(line)
		if !ok {
			c.NotRead++
			continue
		}
		c.count(r)
	}
}

func (c *counter) count(r record) {
	c.Queries++
	said := saysOf(r.rcode)
	kind, at := c.names.Classify(r.name)
	if kind == names.Plain || kind != names.Leak && said == noerror {
		c.Meant++
	} else {
		c.step(kind, r.name[at:], said)
	}
	switch r.qtype {
	case "A":
		c.A++
		c.pair(r, false, said)
	case "AAAA":
		c.AAAA++
		c.pair(r, true, said)
	}
}

// step counts a name with a suffix appended that is not there.
func (c *counter) step(kind names.Kind, suffix string, said says) {
	s := c.suffix(group(suffix))
	switch kind {
	case names.Leak:
		c.Leaks++
		s.Leaks++
	case names.ClusterStep:
		c.Cluster++
		s.Steps++
	case names.NodeStep:
		c.Node++
		s.Steps++
	}
	switch {
	case said == failure:
		c.Failed++
		s.Fails++
	case said == noerror:
		c.Answered++
	}
}

// group puts the namespaces together: of NAMESPACE.svc.cluster.local remains .svc.cluster.local, with the dot.
func group(suffix string) string {
	if i := strings.IndexByte(suffix, '.'); i >= 0 && strings.HasPrefix(suffix[i:], ".svc.") {
		return suffix[i:]
	}
	return suffix
}

// suffix returns the counts of a suffix.
func (c *counter) suffix(name string) *Suffix {
	s := c.suffixes[name]
	if s == nil && len(c.suffixes) >= maxSuffixes {
		name = Other
		s = c.suffixes[name]
	}
	if s == nil {
		s = new(Suffix)
		c.suffixes[strings.Clone(name)] = s
	}
	return s
}

// pair finds the other half of a question. A half is forgotten when its place is needed.
func (c *counter) pair(r record, aaaa bool, said says) {
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.WriteString(r.client)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(r.name)
	key := h.Sum64()
	other := &c.open[key%openHalves]
	if !other.set || other.key != key || other.aaaa == aaaa {
		*other = half{key, aaaa, true, said}
		return
	}
	other.set = false
	c.Pairs++
	switch {
	case said == other.says:
	case said == failure || other.says == failure:
		c.Half++
	default:
		c.Disagree++
	}
}

// add puts the counts of a worker to those of others.
func (s *Stats) add(o *Stats) {
	for _, p := range []struct{ to, from *int64 }{
		{&s.Bytes, &o.Bytes}, {&s.Queries, &o.Queries}, {&s.NotRead, &o.NotRead}, {&s.A, &o.A}, {&s.AAAA, &o.AAAA},
		{&s.Meant, &o.Meant}, {&s.Cluster, &o.Cluster}, {&s.Node, &o.Node}, {&s.Leaks, &o.Leaks},
		{&s.Failed, &o.Failed}, {&s.Answered, &o.Answered}, {&s.Pairs, &o.Pairs}, {&s.Disagree, &o.Disagree}, {&s.Half, &o.Half},
	} {
		*p.to += *p.from
	}
	if s.suffixes == nil {
		s.suffixes = make(map[string]*Suffix)
	}
	for name, from := range o.suffixes {
		to := s.suffixes[name]
		if to == nil {
			to = new(Suffix)
			s.suffixes[name] = to
		}
		to.Steps, to.Leaks, to.Fails = to.Steps+from.Steps, to.Leaks+from.Leaks, to.Fails+from.Fails
	}
}

// Top returns the n suffixes that are seen most, and the sum of the rest under the name Other.
func (s *Stats) Top(n int) (top []Suffix) {
	rest := Suffix{Name: Other}
	for _, name := range slices.Sorted(maps.Keys(s.suffixes)) {
		x := *s.suffixes[name]
		x.Name = name
		if strings.HasPrefix(name, ".") {
			x.Name = "*" + name
		}
		if name == Other {
			rest = x
			continue
		}
		top = append(top, x)
	}
	slices.SortStableFunc(top, func(a, b Suffix) int { return cmp.Compare(b.Steps+b.Leaks, a.Steps+a.Leaks) })
	for len(top) > n {
		last := top[len(top)-1]
		rest.Steps, rest.Leaks, rest.Fails = rest.Steps+last.Steps, rest.Leaks+last.Leaks, rest.Fails+last.Fails
		top = top[:len(top)-1]
	}
	if rest.Steps+rest.Leaks > 0 {
		top = append(top, rest)
	}
	return top
}
