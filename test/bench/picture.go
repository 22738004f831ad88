package main

import (
	"bytes"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
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

// kindTitles says in the legend what the kinds of names are.
var kindTitles = map[string]string{
	"external": "external name", "short": "service, short name", "full": "service, full name", "absent": "name that does not exist",
}

// draw writes the pictures of a part that was measured.
func (r *results) draw(dir string) error {
	var warm []group
	for _, kind := range kinds {
		warm = append(warm, group{title: kindTitles[kind], name: kind + " warm", figure: "perSecond", factor: 1e-3})
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

// Sizes in points.
const (
	pageWidth = 680
	bar       = 9  // thickness
	between   = 16 // two peers
	above     = 56 // the plot: title and legend
	below     = 44 // the first bar: axis
)

// bars draws horizontal bars, a block of them for each peer.
func (r *results) bars(file, title, axis string, groups []group) error {
	names := r.drawn()
	if len(names) == 0 {
		return nil
	}
	p := emptyPlot(axis)
	p.NominalY(names...)
	longest := 0.0
	for i, g := range groups {
		values := make(plotter.Values, len(names))
		for n, name := range names {
			v, _ := r.get("lookups", name, g.name, g.figure)
			values[n] = v * g.factor
			longest = max(longest, values[n])
		}
		offset := bar * (vg.Length(len(groups)-1)/2 - vg.Length(i))
		if err := addBars(p, values, offset, palette[i%len(palette)]); err != nil {
			return err
		}
	}
	p.X.Min, p.X.Max = 0, longest*1.08 // room for the last number
	p.X.Tick.Marker = plot.TickerFunc(func(_, _ float64) []plot.Tick { return ticks(longest) })
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5

	height := vg.Length(len(names))*(bar*vg.Length(len(groups))+between) + above + below
	return save(file, height, p, title, groups)
}

func emptyPlot(axis string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text = axis
	for _, f := range []*font.Font{&p.X.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font} {
		f.Size, f.Variant = 11, "Sans"
	}
	p.X.Tick.Length, p.Y.Tick.Length, p.Y.LineStyle.Width, p.X.LineStyle.Width = 0, 0, 0, 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{225}
	p.Add(grid)
	return p
}

// addBars adds the bars of one group, each with its number behind it.
func addBars(p *plot.Plot, values plotter.Values, offset vg.Length, c color.Color) error {
	chart, err := plotter.NewBarChart(values, bar)
	if err != nil {
		return err
	}
	chart.Horizontal, chart.Color, chart.LineStyle.Width, chart.Offset = true, c, 0, offset
	numbers := plotter.XYLabels{}
	for n, v := range values {
		numbers.XYs = append(numbers.XYs, plotter.XY{X: v, Y: float64(n)})
		numbers.Labels = append(numbers.Labels, short3(v))
	}
	labels, err := plotter.NewLabels(numbers)
	if err != nil {
		return err
	}
	for n := range labels.TextStyle {
		labels.TextStyle[n].Font.Size, labels.TextStyle[n].Font.Variant = 8, "Sans"
		labels.TextStyle[n].YAlign = text.YCenter
	}
	labels.Offset = vg.Point{X: 3, Y: offset}
	p.Add(chart, labels)
	return nil
}

// ticks returns about five round numbers from 0 on.
func ticks(longest float64) (list []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10(max(longest, 1e-6))))
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		if longest/(step*part) <= 6 {
			step *= part
			break
		}
	}
	for v := 0.0; v <= longest; v += step {
		list = append(list, plot.Tick{Value: v, Label: short3(v)})
	}
	return list
}

// save draws the title, the legend in one row below it, and the plot, and writes all as SVG.
func save(file string, height vg.Length, p *plot.Plot, title string, groups []group) error {
	canvas := vgsvg.New(pageWidth, height)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())

	style := p.X.Label.TextStyle
	style.XAlign, style.YAlign = text.XLeft, text.YTop
	heading := style
	heading.Font.Size, heading.Font.Weight = 14, 2 // bold
	page.FillText(heading, vg.Point{X: 12, Y: height - 10}, title)
	x := vg.Length(12)
	for i, g := range groups {
		page.SetColor(palette[i%len(palette)])
		page.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: height - 45}, Max: vg.Point{X: x + 10, Y: height - 35}}.Path())
		page.FillText(style, vg.Point{X: x + 15, Y: height - 34}, g.title)
		x += style.Width(g.title) + 38
	}
	p.Draw(draw.Crop(page, 8, -12, 6, -above))

	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	// A reader without this font has others of the same widths.
	svg := bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	return os.WriteFile(file, svg, 0o644)
}
