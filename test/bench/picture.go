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
}

// kindTitles says in headings and legends what the kinds of names are.
var kindTitles = map[string]string{
	"external": "External name", "domain": "External name of two labels", "short": "Service", "namespaced": "Service and namespace",
	"full": "Service, full name", "absent": "Name that does not exist",
}

// drawnKinds are those that differ most.
var drawnKinds = []string{"external", "short", "full", "absent"}

// draw writes the pictures of a part that was measured.
func (r *results) draw(dir string) error {
	for _, picture := range []struct{ file, title, axis, figure string }{
		{"packets.svg", "Packets: what one lookup by musl sends, answers from the cache (shorter is better)", "packets to the server per lookup", "packets"},
		{"cpu.svg", "Processor time: what one lookup by musl costs the server, answers from the cache (shorter is better)", "microseconds per lookup", "cpu"},
	} {
		var groups []group
		for _, kind := range drawnKinds {
			groups = append(groups, group{title: kindTitles[kind], name: kind + " warm", figure: picture.figure})
		}
		if err := r.bars(filepath.Join(dir, picture.file), picture.title, picture.axis, groups); err != nil {
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
			values[n] = v
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
