package main

import (
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed results.md.tmpl
var page string

// writeAll writes results.md, results.json and the pictures into a folder.
func (r *results) writeAll(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := r.write(filepath.Join(dir, "results.json")); err != nil {
		return err
	}
	text, err := r.markdown()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return r.draw(dir)
}

func (r *results) markdown() (string, error) {
	t, err := template.New("results.md").Funcs(template.FuncMap{
		"units": r.units, "assumptions": assumptions, "table": r.table, "relative": r.relative,
		"list":  func(s ...string) []string { return s },
		"short": short3, "kinds": func() []string { return kinds }, "turns": func() int { return turns },
		"title": func(kind string) string { return kindTitles[kind] + fmt.Sprintf(": `%s`", newTarget(kind, 7).name) },
	}).Parse(page)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, r)
	return out.String(), err
}

func assumptions() map[string]any {
	return map[string]any{
		"LookupsPerNode": lookupsPerNode, "ColdShare": coldShare, "NodesPerServer": nodesPerServer, "FewestServers": fewestServers, "Mix": mix,
		"Utilization": utilization * 100, "CoresPerServer": requested * utilization, "MostServers": mostServers,
		"FewestCores": fewestServers * requested * utilization, "MostCores": mostServers * requested * utilization,
	}
}

func (r *results) units() (list []unit) {
	for _, peer := range []string{"stock", "muslsafe", "complete"} {
		if u, ok := r.unitOf(peer); ok {
			list = append(list, u)
		}
	}
	return list
}

// table returns the cases of a part, each with the given figures: "title=figure" in the order of the columns.
func (r *results) table(part, name string, columns ...string) string {
	var out strings.Builder
	head(&out, "", columns)
	for _, row := range r.of(part) {
		if name != "" && row.Case != name {
			continue
		}
		label := row.Peer
		if name == "" && row.Case != "" {
			label += ", " + row.Case
		}
		out.WriteString("| " + label + " |")
		for _, c := range columns {
			_, figure, _ := strings.Cut(c, "=")
			fmt.Fprintf(&out, " %s |", show(row.Medians, figure))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// relative is a table whose first column is a figure as a multiple of that of another peer.
func (r *results) relative(part, name, figure, by string, columns ...string) string {
	var out strings.Builder
	head(&out, "", append([]string{"× " + by}, columns...))
	for _, row := range r.of(part) {
		if row.Case != name {
			continue
		}
		times := "–"
		if v, ok := r.ratio(part, name, figure, row.Peer, by); ok {
			times = fmt.Sprintf("%.2f", v)
		}
		fmt.Fprintf(&out, "| %s | %s |", row.Peer, times)
		for _, c := range columns {
			_, key, _ := strings.Cut(c, "=")
			fmt.Fprintf(&out, " %s |", show(row.Medians, key))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func head(out *strings.Builder, first string, columns []string) {
	out.WriteString("| " + first + " |")
	for _, c := range columns {
		title, _, _ := strings.Cut(c, "=")
		out.WriteString(" " + title + " |")
	}
	out.WriteString("\n|---|" + strings.Repeat("---:|", len(columns)) + "\n")
}

// show writes a figure; shares as percentages.
func show(f figures, name string) string {
	v, ok := f[name]
	switch {
	case !ok:
		return "–"
	case name == "wrong" && v == 0:
		return "0"
	case name == "wrong":
		return fmt.Sprintf("%.3g %%", v*100)
	}
	return short3(v)
}

// short3 writes three digits, and thousands with a comma.
func short3(v float64) string {
	if v != 0 && math.Abs(v) < 100 {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), v), "0"), ".")
	}
	if v < 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	digits := math.Pow(10, math.Floor(math.Log10(v))-2)
	text := fmt.Sprintf("%.0f", math.Round(v/digits)*digits)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
