package main

import "fmt"

// budget is a promise about a figure, and what came of it.
type budget struct {
	About  string  `json:"about"`
	Want   string  `json:"want"`
	Got    float64 `json:"got"`
	Status string  `json:"status"` // met, missed or not measured
}

// Floating-point slack of figures that are counts divided by counts.
const slack = 1e-9

// budgets checks all promises.
func (r *results) budgets() []budget {
	const warm = "external warm"
	list := []budget{
		atLeast("leak answers per second, of whoami", 0.95, r.over("leaks", "", "perSecond", "muslsafe", "whoami")),
		atLeast("leak answers per second, of template with SOA", 1.7, r.over("leaks", "", "perSecond", "muslsafe", "template alone")),
		atMost("upstream queries per leak, muslsafe", 0, r.value("leaks", "muslsafe", "", "upstream")),
		atMost("upstream queries per leak, complete", 0, r.value("leaks", "complete", "", "upstream")),
		atLeast("warm external lookups per second with complete, of the same CoreDNS without it", 5, r.over("lookups", warm, "perSecond", "complete", "muslsafe")),
		atLeast("warm external lookups per second with complete, of unbound", 2.5, r.over("lookups", warm, "perSecond", "complete", "unbound")),
		atMost("packets per warm external lookup with complete", 2, r.value("lookups", "complete", warm, "packets")),
		atMost("resident size after distinct leaks, of an idle server", 1.1, r.value("memory", "muslsafe", "leaks", "growth")),
	}
	for _, peer := range []string{"muslsafe", "complete"} {
		list = append(list, atMost("share of wrong or missing answers, "+peer, 0, r.worst(peer)))
	}
	return list
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

func atLeast(about string, want float64, got known) budget {
	return newBudget(about, fmt.Sprintf("≥ %g", want), got, got.value >= want-slack)
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
