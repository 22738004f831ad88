package main

import (
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Colours that differ for people who cannot tell red from green (Okabe and Ito).
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
}

// group is one bar for each peer, of one colour.
type group struct {
	title  string
	name   string // the case
	figure string
	factor float64
}

// draw writes the pictures of a part that was measured.
func (r *results) draw(dir string) error {
	var warm []group
	for _, kind := range kinds {
		warm = append(warm, group{title: kind, name: kind + " warm", figure: "perSecond", factor: 1e-3})
	}
	packets := make([]group, len(warm))
	for i, g := range warm {
		packets[i] = group{title: g.title, name: g.name, figure: "packets", factor: 1}
	}
	latency := []group{
		{"warm, median", "external warm", "p50", 1}, {"warm, 99 of 100", "external warm", "p99", 1},
		{"cold, median", "external cold", "p50", 1}, {"cold, 99 of 100", "external cold", "p99", 1},
	}
	for _, picture := range []struct {
		file, title, axis string
		groups            []group
	}{
		{"lookups.svg", "Lookups by musl, answers from the cache (longer is better)", "thousand lookups per second", warm},
		{"packets.svg", "What one lookup by musl costs (shorter is better)", "packets to the server per lookup", packets},
		{"latency.svg", "Latency of an external lookup by one client (shorter is better)", "microseconds", latency},
	} {
		if err := r.bars(filepath.Join(dir, picture.file), picture.title, picture.axis, picture.groups); err != nil {
			return err
		}
	}
	return nil
}

// drawn returns the peers that lookups were measured of, the last one first: bars grow from below.
func (r *results) drawn() (names []string) {
	for i := len(peers) - 1; i >= 0; i-- {
		if r.row("lookups", peers[i].name, "external warm") != nil {
			names = append(names, peers[i].name)
		}
	}
	return names
}

// bars draws horizontal bars, a block of them for each peer.
func (r *results) bars(file, title, axis string, groups []group) error {
	names := r.drawn()
	if len(names) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, axis
	p.Title.TextStyle.Font.Size, p.Title.Padding = 14, 8
	for _, f := range []*font.Font{&p.X.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Size, f.Variant = 11, "Sans"
	}
	p.Title.TextStyle.Font.Variant = "Sans"
	p.X.Min = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{220}
	p.Add(grid)

	const width = 9 * vg.Length(1) // of a bar, in points
	for i, g := range groups {
		values := make(plotter.Values, len(names))
		for n, name := range names {
			v, _ := r.get("lookups", name, g.name, g.figure)
			values[n] = v * g.factor
		}
		chart, err := plotter.NewBarChart(values, width)
		if err != nil {
			return err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, palette[i%len(palette)], 0
		chart.Offset = width * (vg.Length(len(groups)-1)/2 - vg.Length(i))
		p.Add(chart)
		p.Legend.Add(g.title, chart)
	}
	p.NominalY(names...)
	p.Y.Tick.Width, p.Y.LineStyle.Width = 0, 0
	p.Legend.Top, p.Legend.XOffs, p.Legend.ThumbnailWidth = true, -4, 12
	height := vg.Length(len(names))*(width*vg.Length(len(groups))+14) + 90
	return p.Save(680, height, file)
}
