package main

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
)

// figures are the numbers of one measurement, by name: "perSecond", "cpu" (µs), "p50" and "p99" (µs), "load" (µs), "packets",
// "upstream" (queries), "leaked" (queries for leaks), "wrong" (a share), "resident" (MiB).
type figures map[string]float64

// row is what was measured of one peer in one case, in all rounds.
type row struct {
	Part    string    `json:"part"`
	Peer    string    `json:"peer"`
	Case    string    `json:"case,omitempty"`
	Medians figures   `json:"medians"`
	Rounds  []figures `json:"rounds"`
}

// fact is something about the machine or a program.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// results is all that a run measures.
type results struct {
	Facts   []fact   `json:"facts"`
	Rows    []*row   `json:"rows"`
	Plan    []plan   `json:"plan,omitempty"`
	Budgets []budget `json:"budgets"`
}

// add records one round.
func (r *results) add(part, peer, name string, f figures) {
	found := r.row(part, peer, name)
	if found == nil {
		found = &row{Part: part, Peer: peer, Case: name}
		r.Rows = append(r.Rows, found)
	}
	found.Rounds = append(found.Rounds, f)
	found.Medians = medians(found.Rounds)
}

func (r *results) row(part, peer, name string) *row {
	for _, row := range r.Rows {
		if row.Part == part && row.Peer == peer && row.Case == name {
			return row
		}
	}
	return nil
}

// get returns a median, and whether it was measured.
func (r *results) get(part, peer, name, figure string) (float64, bool) {
	row := r.row(part, peer, name)
	if row == nil {
		return 0, false
	}
	v, ok := row.Medians[figure]
	return v, ok
}

// ratio divides a figure of one peer by that of another, if both were measured: it is the median of the ratios of all rounds,
// as the two take turns, and a machine that others use as well is not as fast in each round.
func (r *results) ratio(part, name, figure, peer, by string) (float64, bool) {
	a, b := r.row(part, peer, name), r.row(part, by, name)
	if a == nil || b == nil {
		return 0, false
	}
	var ratios []float64
	for i := range min(len(a.Rounds), len(b.Rounds)) {
		x, ok1 := a.Rounds[i][figure]
		y, ok2 := b.Rounds[i][figure]
		if !ok1 || !ok2 || y == 0 {
			return 0, false
		}
		ratios = append(ratios, x/y)
	}
	return median(ratios), true
}

// of returns the rows of a part in the order in which they were measured first.
func (r *results) of(part string) []*row {
	return slices.DeleteFunc(slices.Clone(r.Rows), func(row *row) bool { return row.Part != part })
}

func medians(rounds []figures) figures {
	m := make(figures)
	for name := range maps.Keys(rounds[0]) {
		var values []float64
		for _, f := range rounds {
			values = append(values, f[name])
		}
		m[name] = median(values)
	}
	return m
}

// median of an even number of values is the mean of the middle two.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func (r *results) write(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
