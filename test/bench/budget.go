package main

import (
	"fmt"
	"strings"
)

// budget is a promise about a figure, and what came of it.
type budget struct {
	About  string  `json:"about"`
	Want   string  `json:"want"`
	Got    float64 `json:"got"`
	Status string  `json:"status"` // met, missed or not measured
}

// Floating-point slack of figures that are counts divided by counts.
const slack = 1e-9

// budgets checks all promises. Where two peers are compared, the unit is the processor time of the server for each lookup: it
// does not depend on what the load costs, which shares the processor.
func (r *results) budgets() []budget {
	list := []budget{
		r.cost("leaks", "", "muslsafe", "whoami", 0.90),
		r.cost("leaks", "", "muslsafe", "template alone", 0.55),
		r.cost("pass", "", "muslsafe", "stock", 1.03),
	}
	for _, kind := range []string{"external", "domain", "short", "namespaced", "absent"} {
		list = append(list, r.cost("lookups", kind+" warm", "muslsafe", "stock", 1.03), r.cost("lookups", kind+" cold", "muslsafe", "stock", 1.10))
	}
	list = append(list, r.cost("lookups", "full warm", "muslsafe", "stock", 0.85))
	for _, kind := range []string{"external", "full"} {
		list = append(list, r.cost("lookups", kind+" warm", "complete", "stock", 0.27))
		// Processors differ in what unbound costs beside a program in Go: packets are what both have in common.
		list = append(list, atMost("packets of lookups "+kind+" warm, complete: of unbound", 0.2, r.over("lookups", kind+" warm", "packets", "complete", "unbound")))
	}
	// Stock CoreDNS finds a service by its name and namespace in the second step: two packets in place of four cannot cost less
	// than half.
	list = append(list, r.cost("lookups", "domain warm", "complete", "stock", 0.30), r.cost("lookups", "namespaced warm", "complete", "stock", 0.70))
	for _, kind := range []string{"short", "absent"} {
		list = append(list, r.cost("lookups", kind+" warm", "complete", "stock", 1.05))
	}
	for _, kind := range []string{"external", "domain", "namespaced"} {
		list = append(list, atMost("packets per lookup, "+kind+" warm, complete", 2, r.value("lookups", "complete", kind+" warm", "packets")))
	}
	list = append(list,
		atMost("resident size after distinct leaks, of an idle server", 1.1, r.value("memory", "muslsafe", "leaks", "growth")),
	)
	for _, peer := range []string{"muslsafe", "complete"} {
		list = append(list,
			atMost("upstream queries per leak, "+peer, 0, r.value("leaks", peer, "", "leaked")),
			atMost("share of wrong or missing answers, "+peer, 0, r.worst(peer)),
		)
	}
	return list
}

// cost is the budget of what a lookup costs a peer, beside what it costs another one.
func (r *results) cost(part, name, peer, by string, want float64) budget {
	about := strings.TrimSpace(part + " " + name)
	return atMost(fmt.Sprintf("processor time of %s, %s: of %s", about, peer, by), want, r.over(part, name, "cpu", peer, by))
}

// known is a figure that was measured, or was not.
type known struct {
	value float64
	ok    bool
}

func (r *results) value(part, peer, name, figure string) known {
	v, ok := r.get(part, peer, name, figure)
	return known{v, ok}
}

func (r *results) over(part, name, figure, peer, by string) known {
	v, ok := r.ratio(part, name, figure, peer, by)
	return known{v, ok}
}

// worst returns the largest share of wrong answers of a peer in any case and round.
func (r *results) worst(peer string) (k known) {
	for _, row := range r.Rows {
		for _, f := range row.Rounds {
			if wrong, ok := f["wrong"]; ok && row.Peer == peer {
				k = known{max(k.value, wrong), true}
			}
		}
	}
	return k
}

func atMost(about string, want float64, got known) budget {
	return newBudget(about, fmt.Sprintf("≤ %g", want), got, got.value <= want+slack)
}

func newBudget(about, want string, got known, met bool) budget {
	b := budget{About: about, Want: want, Got: got.value, Status: "missed"}
	if met {
		b.Status = "met"
	}
	if !got.ok {
		b.Status = "not measured"
	}
	return b
}

// printBudgets prints a line for each budget and reports whether none is missed.
func (r *results) printBudgets() bool {
	met := true
	for _, b := range r.Budgets {
		fmt.Printf("%-12s %s: %.3g, want %s\n", b.Status, b.About, b.Got, b.Want)
		met = met && b.Status != "missed"
	}
	return met
}
