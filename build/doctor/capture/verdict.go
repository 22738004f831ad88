package capture

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A cause is what goes wrong in one step of a lookup.
type cause struct {
	Kind      diagnosis.Kind
	Question  string // absolute
	Malformed bool
	Answers   []diagnosis.Answer // what came back
	Instead   []diagnosis.Answer // what muslsafe would have answered; none if it has no cure
}

// An outcome is what one libc makes of a lookup.
type outcome struct {
	Model   *stub.Model
	Result  stub.Result
	Queries int    // packets sent
	Causes  []int  // of the verdict
	Unknown string // a question that is not in the capture: the result is not known
	Cured   string // what it would get with muslsafe, if anything goes wrong
}

// verdict is what all libcs make of a lookup.
type verdict struct {
	asked      asked
	family     stub.Family
	outcomes   []outcome // in the order of stub.Models
	causes     []cause
	consistent []bool // each model would have asked what was asked
}

// models are all that are known.
var models = stub.Models()

// engine replays lookups.
type engine struct {
	answers  *interner
	suffixes map[string]*names.Suffixes // by search list
	alive    map[string]bool            // search domains of which some name was answered
}

// maxSuffixes bounds the search lists and the domains that are remembered.
const maxSuffixes = 4096

func newEngine(answers *interner) *engine {
	return &engine{answers: answers, suffixes: make(map[string]*names.Suffixes), alive: make(map[string]bool)}
}

// classes returns what the names of a search list are.
func (e *engine) classes(search []string) *names.Suffixes {
	key := strings.Join(search, " ")
	s, ok := e.suffixes[key]
	if !ok {
		s, _ = diagnosis.Suffixes(search) // for a list that is no list, nothing is known
		if s == nil {
			s, _ = names.Parse(nil, nil)
		}
		if len(e.suffixes) >= maxSuffixes {
			clear(e.suffixes)
		}
		e.suffixes[key] = s
	}
	return s
}

// family returns which addresses a lookup is for.
func (l *lookup) family() stub.Family {
	var a, aaaa bool
	for _, s := range l.steps {
		a, aaaa = a || s.half(dns.TypeA) != nil, aaaa || s.half(dns.TypeAAAA) != nil
	}
	switch {
	case !aaaa:
		return stub.V4
	case !a:
		return stub.V6
	}
	return stub.Both
}

// judge replays a lookup through all models.
func (e *engine) judge(l *lookup, known []string, ndots int) *verdict {
	v := &verdict{asked: l.ask(known, ndots), family: l.family()}
	gap, tries := l.patience()
	for _, m := range models {
		r := &replay{lookup: l, answers: e.answers, asked: make(map[stub.Query]int)}
		conf := patient(v.asked.conf, isMusl(m), gap, tries)
		result := m.Lookup(conf, v.asked.name, v.family, r.exchange)
		o := outcome{Model: m, Result: result, Unknown: r.unknown}
		j := &judge{replay: r, asked: v.asked, suffixes: e.classes(v.asked.conf.Search), alive: e.isAlive(v.asked.conf.Search), result: result}
		instead := make(map[question]stub.Reply)
		for _, c := range j.causes() {
			o.Causes = append(o.Causes, v.cause(j, c))
			cure(instead, j, c)
		}
		if len(instead) > 0 {
			o.Cured = cured(m, conf, v, r, instead)
		}
		for _, s := range result.Steps {
			o.Queries += len(s.Packets)
		}
		v.outcomes = append(v.outcomes, o)
		v.consistent = append(v.consistent, consistent(l, o))
	}
	return v
}

func isMusl(m *stub.Model) bool { return strings.HasPrefix(m.Name, "musl") }

// isAlive returns whether the search domain of a name has answered for another name.
func (e *engine) isAlive(search []string) func(string) bool {
	return func(name string) bool {
		for _, domain := range search {
			if strings.HasSuffix(name, "."+domain+".") && e.alive[domain] {
				return true
			}
		}
		return false
	}
}

// cause adds a cause unless it is there, and returns its place.
func (v *verdict) cause(j *judge, c cause) int {
	for i, known := range v.causes {
		if known.Kind == c.Kind && known.Question == c.Question {
			return i
		}
	}
	if c.Malformed {
		s := j.lookup.find(c.Question, true)
		for i := range s.halves {
			h := &s.halves[i]
			a := answer{}
			a.describe(s.replyTo(&h.tries[0], h.tries[0].at), h.qtype)
			c.Answers = append(c.Answers, diagnosis.Answer{Type: dns.TypeToString[h.qtype], Says: a.text})
		}
	} else {
		a, aaaa := j.pair(c.Question)
		for i, half := range []answer{a, aaaa} {
			if half.text != "" {
				c.Answers = append(c.Answers, diagnosis.Answer{Type: []string{"A", "AAAA"}[i], Says: half.text})
			}
		}
	}
	c.Instead = insteadOf(j, c)
	v.causes = append(v.causes, c)
	return len(v.causes) - 1
}

// effect says what a program sees of a lookup.
func effect(r stub.Result) string {
	late := ""
	if r.Err != stub.Hang && r.Err != stub.Crash && r.Elapsed > slow {
		late = " after " + diagnosis.Seconds(r.Elapsed)
	}
	switch r.Err {
	case stub.OK:
		addrs := append(r.V4[:len(r.V4):len(r.V4)], r.V6...)
		if len(addrs) == 1 {
			return "gets " + addrs[0].String() + late
		}
		return fmt.Sprintf("gets %s and %d more%s", addrs[0], len(addrs)-1, late)
	case stub.Hang:
		return "never returns"
	}
	return diagnosis.Error(r.Err) + late
}

// observed returns how long a lookup was seen to last.
func (l *lookup) observed() time.Duration {
	var end time.Duration
	for _, s := range l.steps {
		end = max(end, s.last)
	}
	return end - l.steps[0].begin
}
