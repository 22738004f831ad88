package main

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// The shape of -json. Members are added, never renamed.
type (
	jsonReport struct {
		Servers []netip.AddrPort `json:"servers"`
		Search  []string         `json:"search"`
		Ndots   int              `json:"ndots"`
		Names   []jsonName       `json:"names"`
	}
	jsonName struct {
		Name    string       `json:"name"`
		Status  string       `json:"status"` // healthy, hazards or unclear
		Unclear string       `json:"unclear,omitempty"`
		Lookups []jsonLookup `json:"lookups"`
		Hazards []jsonHazard `json:"hazards"`
		Tools   []jsonTool   `json:"tools"` // what nslookup and dig show where there is a hazard
	}
	jsonTool struct {
		Tool      string       `json:"tool"`
		Works     bool         `json:"works"` // it shows an address
		Addresses []netip.Addr `json:"addresses"`
		Errors    []string     `json:"errors"`
		Status    int          `json:"status"` // its exit status
		Asks      string       `json:"asks"`
	}
	jsonLookup struct {
		Libc      string       `json:"libc"`
		Covers    string       `json:"covers"`
		Alpine    string       `json:"alpine,omitempty"`
		Error     string       `json:"error"` // OK, or the C name
		Addresses []netip.Addr `json:"addresses"`
		Seconds   *float64     `json:"seconds"` // null: never returns
		Queries   int          `json:"queries"`
	}
	jsonHazard struct {
		Kind       string       `json:"kind"`
		Question   string       `json:"question,omitempty"`
		Answers    []jsonAnswer `json:"answers"`
		Harms      []jsonHarm   `json:"harms"`
		Why        string       `json:"why"`
		Fix        string       `json:"fix,omitempty"` // of muslsafe
		Workaround string       `json:"workaround"`
	}
	jsonAnswer struct {
		Type   string `json:"type"`
		Answer string `json:"answer"`
	}
	jsonHarm struct {
		Libc   string `json:"libc"`
		Effect string `json:"effect"`
	}
)

func writeJSON(w io.Writer, d *diagnosis.Doctor, reports []diagnosis.Report) error {
	c := d.Config()
	all := jsonReport{Servers: d.Servers(), Search: append([]string{}, c.Search...), Ndots: c.Ndots}
	for _, r := range reports {
		n := jsonName{Name: r.Name, Status: "healthy", Unclear: r.Unclear, Lookups: []jsonLookup{}, Hazards: []jsonHazard{}, Tools: []jsonTool{}}
		switch {
		case r.Unclear != "":
			n.Status = "unclear"
		case len(r.Hazards) > 0:
			n.Status = "hazards"
		}
		for _, l := range r.Lookups {
			n.Lookups = append(n.Lookups, lookupToJSON(l))
		}
		for _, h := range r.Hazards {
			n.Hazards = append(n.Hazards, hazardToJSON(h))
		}
		for _, t := range r.Tools {
			n.Tools = append(n.Tools, toolToJSON(t))
		}
		all.Names = append(all.Names, n)
	}
	return encode(w, all)
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func lookupToJSON(l diagnosis.Lookup) jsonLookup {
	j := jsonLookup{
		Libc: l.Model.Name, Covers: l.Model.Covers, Alpine: l.Model.Alpine,
		Error: l.Result.Err.String(), Addresses: append([]netip.Addr{}, l.Addresses()...), Queries: l.Queries(),
	}
	if l.Result.Elapsed != stub.Forever {
		s := l.Result.Elapsed.Seconds()
		j.Seconds = &s
	}
	return j
}

func toolToJSON(t diagnosis.Tool) jsonTool {
	return jsonTool{
		Tool: t.Name, Works: t.Works(), Addresses: append([]netip.Addr{}, t.Addrs...), Errors: append([]string{}, t.Errors...),
		Status: t.Status, Asks: t.Asks,
	}
}

func hazardToJSON(h diagnosis.Hazard) jsonHazard {
	a := h.Advice()
	j := jsonHazard{
		Kind: string(h.Kind), Question: strings.TrimSuffix(h.Question, "."), Why: a.Why, Fix: h.Fix(), Workaround: a.Workaround,
		Answers: []jsonAnswer{},
	}
	for _, x := range h.Answers {
		j.Answers = append(j.Answers, jsonAnswer{x.Type, x.Says})
	}
	for _, x := range h.Harms {
		j.Harms = append(j.Harms, jsonHarm{x.Model.Name, x.Effect})
	}
	return j
}
