package capture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// summary adds up the troubles of all clients.
type summary struct {
	*Report
	hazards map[diagnosis.Kind]*hazardSum
	names   map[string]*Row
}

// hazardSum adds up one hazard.
type hazardSum struct {
	Hazard
	names map[string]bool
	best  *trouble // the example
}

// maxRowNames bounds the names that are counted.
const maxRowNames = 1 << 16

// identity adds one program of one client.
func (s *summary) identity(id *identity, r Resolver) {
	s.Lookups += id.lookups
	s.Found += id.found
	s.Absent += id.absent
	c := Client{Row: Row{Name: id.client.String(), Lookups: id.lookups}, Address: id.client, Resolver: r}
	seen := make(map[diagnosis.Kind]bool)
	for key, t := range id.troubles {
		m := r.modelFor(key.near)
		asked := t.verdict.outcome(m)
		broke := asked != nil && len(asked.Causes) > 0
		c.Row.add(t, asked, broke)
		s.name(key.name).add(t, asked, broke)
		for _, kind := range t.verdict.kinds() {
			o := asked
			if o == nil || !t.verdict.has(o, kind) {
				o = nil
			}
			s.hazard(kind, key.name, id, !seen[kind], t, o, r, m)
			seen[kind] = true
		}
	}
	s.Broke += c.Broke
	s.AtRisk += c.AtRisk
	s.Clients = append(s.Clients, c)
}

// outcome returns that of a model, nil for none.
func (v *verdict) outcome(m *stub.Model) *outcome {
	if i := slices.Index(models, m); i >= 0 {
		return &v.outcomes[i]
	}
	return nil
}

// kinds returns those of all causes.
func (v *verdict) kinds() (all []diagnosis.Kind) {
	for _, c := range v.causes {
		if !slices.Contains(all, c.Kind) {
			all = append(all, c.Kind)
		}
	}
	return all
}

// has reports whether a kind is among the causes of an outcome.
func (v *verdict) has(o *outcome, kind diagnosis.Kind) bool {
	return slices.ContainsFunc(o.Causes, func(i int) bool { return v.causes[i].Kind == kind })
}

func (s *summary) name(name string) *Row {
	if name == "" || s.names[name] == nil && len(s.names) >= maxRowNames {
		name = "(further names)"
	}
	if s.names[name] == nil {
		s.names[name] = &Row{Name: name}
	}
	return s.names[name]
}

// add counts lookups that go wrong, here or elsewhere.
func (row *Row) add(t *trouble, asked *outcome, broke bool) {
	for _, kind := range t.verdict.kinds() {
		if !slices.Contains(row.Kinds, kind) {
			row.Kinds = append(row.Kinds, kind)
		}
	}
	if row.Name == "" || row.Lookups == 0 || row.Effect == "" && !broke {
		row.Effect = "breaks on other libcs"
	}
	if !broke {
		row.AtRisk += t.count
		return
	}
	row.Broke += t.count
	took := asked.took()
	if took > row.Slowest || row.Effect == "" || row.Effect == "breaks on other libcs" {
		row.Slowest, row.Effect = max(row.Slowest, took), effect(asked.Result)
	}
}

// took is how long the program waited. What never returns is as slow as can be.
func (o *outcome) took() time.Duration { return o.Result.Elapsed }

// hazard counts lookups under one kind.
func (s *summary) hazard(kind diagnosis.Kind, name string, id *identity, newClient bool, t *trouble, asked *outcome, r Resolver, m *stub.Model) {
	h := s.hazards[kind]
	if h == nil {
		h = &hazardSum{Hazard: Hazard{Kind: kind}, names: make(map[string]bool)}
		s.hazards[kind] = h
	}
	h.Lookups += t.count
	h.Row.add(t, asked, asked != nil)
	if len(h.names) < maxRowNames {
		h.names[name] = true
	}
	if newClient {
		h.Clients++
	}
	if h.best == nil || h.better(t, asked) {
		h.best, h.Example = t, t.example(kind, name, id, r, m)
	}
}

// better reports whether a trouble is the better example: one that broke, then the slowest, then the first.
func (h *hazardSum) better(t *trouble, asked *outcome) bool {
	broke := slices.ContainsFunc(h.Example.Harms, func(x Harm) bool { return x.Asked })
	if broke != (asked != nil) {
		return asked != nil
	}
	return t.slowest > h.best.slowest || t.slowest == h.best.slowest && t.first < h.best.first
}

func (t *trouble) example(kind diagnosis.Kind, name string, id *identity, r Resolver, asked *stub.Model) Example {
	v := t.verdict
	e := Example{Client: id.client, Resolver: r.Name, Name: name}
	for _, c := range v.causes {
		if c.Kind == kind {
			e.Cause = c
			break
		}
	}
	for i := range v.outcomes {
		o := &v.outcomes[i]
		if !v.has(o, kind) {
			continue
		}
		says := effect(o.Result)
		if o.Unknown != "" {
			says = "goes on to " + strings.TrimSuffix(o.Unknown, ".") + ", of which the capture has nothing"
		}
		e.Harms = append(e.Harms, Harm{Model: o.Model, Asked: o.Model == asked, Harm: diagnosis.Harm{Model: o.Model, Effect: says}, Cured: o.Cured})
	}
	return e
}

// finish puts everything in order.
func (s *summary) finish() {
	for _, h := range s.hazards {
		h.Names = len(h.names)
		s.Hazards = append(s.Hazards, h.Hazard)
	}
	for _, row := range s.names {
		row.Lookups = row.Broke + row.AtRisk
		s.Names = append(s.Names, *row)
	}
	slices.SortFunc(s.Hazards, func(a, b Hazard) int {
		return cmp.Or(cmp.Compare(b.Broke, a.Broke), cmp.Compare(b.AtRisk, a.AtRisk), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortFunc(s.Names, func(a, b Row) int { return cmp.Or(a.slower(b), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(s.Clients, func(a, b Client) int {
		return cmp.Or(a.slower(b.Row), cmp.Compare(b.Lookups, a.Lookups), a.Address.Compare(b.Address), cmp.Compare(a.Resolver.Name, b.Resolver.Name))
	})
}

// slower orders rows: those that broke first, the slowest of them in front.
func (row Row) slower(other Row) int {
	return cmp.Or(cmp.Compare(min(1, other.Broke), min(1, row.Broke)), cmp.Compare(other.Slowest, row.Slowest), cmp.Compare(other.Broke, row.Broke),
		cmp.Compare(other.AtRisk, row.AtRisk))
}
