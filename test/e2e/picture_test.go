package e2e

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/muslsafe/coredns-muslsafe/test/matrix"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// Sizes of the picture, in pixels.
const (
	edge      = 13            // of a cell
	inner     = 10 * edge     // of a grid
	across    = inner + 22    // from one grid to the next
	down      = inner + 40    // from the grids without muslsafe to those with it
	left      = 168           // of the grids
	head      = 138           // above the grids of a matrix: its heading, the libcs, the axis and the columns
	perMatrix = head + 2*down // from one matrix to the next
	foot      = 40            // below them: what the colours mean
)

// Styles of text: the attributes of its element.
const (
	heading = `font-weight="bold" font-size="15"`
	bold    = `font-weight="bold" font-size="12"`
	axis    = `text-anchor="middle" font-size="11" font-style="italic"`
	tick    = `text-anchor="end"`
	column  = `` // upright, so that it begins at the grid
	total   = `text-anchor="middle" font-weight="bold" font-size="11"`
	plain   = `font-size="12"`
)

// text is a line of the picture; it goes up if it is upright.
type text struct {
	X, Y      int
	Style     string
	IsUpright bool
	Text      string
}

// square is a cell of the picture.
type square struct {
	X, Y  int
	Color string
	Title string
}

// frame is the border of a grid.
type frame struct{ X, Y, Size int }

// page is what the template draws.
type page struct {
	Width, Height int
	Texts         []text
	Frames        []frame
	Squares       []square
}

// Colours that differ for people who cannot tell red from green.
var colors = map[bool]string{true: "#a6dba0", false: "#7b3294"}

var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="10">
<rect width="100%" height="100%" fill="white"/>
{{range .Texts}}<text x="{{.X}}" y="{{.Y}}" {{.Style}}{{if .IsUpright}} transform="rotate(-90 {{.X}} {{.Y}})"{{end}}>{{.Text}}</text>
{{end}}{{range .Squares}}<rect x="{{.X}}" y="{{.Y}}" width="12" height="12" fill="{{.Color}}"><title>{{.Title}}</title></rect>
{{end}}{{range .Frames}}<rect x="{{.X}}" y="{{.Y}}" width="{{.Size}}" height="{{.Size}}" fill="none" stroke="#777"/>
{{end}}</svg>
`))

// answers are the words for the rows and columns.
var answers = map[upstream.Answer]string{
	upstream.Data: "address", upstream.NoData: "no address", upstream.NXDomain: "NXDOMAIN", upstream.ServFail: "SERVFAIL",
	upstream.Refused: "REFUSED", upstream.NotImp: "NOTIMP", upstream.FormErr: "FORMERR", upstream.Silence: "silence",
	upstream.TCEmpty: "TC, empty", upstream.TCSome: "TC, some",
}

// headings say what each matrix shows.
var headings = [matrix.NumScopes]string{
	matrix.Domain: "A search domain gives these answers to every name below it",
	matrix.Name:   "A search domain gives these answers to one name, and NXDOMAIN to all others",
}

// draw returns a picture of both matrices: for each of them a grid for each libc, above without muslsafe, below with it; a
// row for each answer to A, a column for each to AAAA.
func draw(cells []*cell) string {
	libcs := libcNames(cells)
	p := &page{Width: left + across*len(libcs), Height: int(matrix.NumScopes)*perMatrix + foot}
	for scope := range matrix.NumScopes {
		p.addWords(cells, libcs, scope)
	}
	for _, c := range cells {
		p.Squares = append(p.Squares, square{
			X:     left + slices.Index(libcs, c.libc.Name)*across + int(c.pair.AAAA)*edge,
			Y:     top(c.scope, c.with) + int(c.pair.A)*edge,
			Color: colors[c.isRight()],
			Title: c.String(),
		})
	}
	p.addLegend()
	var out strings.Builder
	if err := svg.Execute(&out, p); err != nil {
		panic(err) // the template and the page are both ours
	}
	return out.String()
}

// top is where the grids of a row begin.
func top(scope matrix.Scope, with bool) int {
	y := int(scope)*perMatrix + head
	if with {
		y += down
	}
	return y
}

// addWords adds what stands around the grids of one matrix.
func (p *page) addWords(cells []*cell, libcs []string, scope matrix.Scope) {
	y := top(scope, false)
	p.Texts = append(p.Texts, text{X: 8, Y: y - head + 26, Style: heading, Text: headings[scope]})
	for i, name := range libcs {
		p.addColumns(left+i*across, y, name)
	}
	for _, with := range []bool{false, true} {
		p.addRows(top(scope, with), with)
		for i, name := range libcs {
			x, y := left+i*across, top(scope, with)
			p.Frames = append(p.Frames, frame{x - 1, y - 1, inner + 1})
			line := fmt.Sprintf("%d of 100 right", count(cells, name, scope, with))
			p.Texts = append(p.Texts, text{X: x + inner/2, Y: y + inner + 15, Style: total, Text: line})
		}
	}
}

// addColumns adds what stands above a grid: the libc, the axis and the answers to AAAA.
func (p *page) addColumns(x, y int, libc string) {
	p.Texts = append(p.Texts,
		text{X: x, Y: y - head + 52, Style: bold, Text: libc},
		text{X: x + inner/2, Y: y - head + 70, Style: axis, Text: "answer to AAAA"})
	for _, aaaa := range upstream.Pairable() {
		p.Texts = append(p.Texts, text{X: x + int(aaaa)*edge + 10, Y: y - 5, Style: column, IsUpright: true, Text: answers[aaaa]})
	}
}

// addRows adds what stands left of a row of grids: whether muslsafe is there, the axis and the answers to A.
func (p *page) addRows(y int, with bool) {
	word := "without"
	if with {
		word = "with"
	}
	p.Texts = append(p.Texts,
		text{X: 8, Y: y + inner/2 - 4, Style: bold, Text: word},
		text{X: 8, Y: y + inner/2 + 11, Style: bold, Text: "muslsafe"},
		text{X: left - 80, Y: y + inner/2, Style: axis, IsUpright: true, Text: "answer to A"})
	for _, a := range upstream.Pairable() {
		p.Texts = append(p.Texts, text{X: left - 6, Y: y + int(a)*edge + 10, Style: tick, Text: answers[a]})
	}
}

// addLegend adds what the colours mean.
func (p *page) addLegend() {
	y := p.Height - foot + 12
	for i, isRight := range []bool{true, false} {
		x, words := left+i*(across*5/2+60), "right: what exists is found within 1.5 s, or a failure is reported"
		if !isRight {
			words = "wrong, or too late"
		}
		p.Squares = append(p.Squares, square{X: x, Y: y, Color: colors[isRight], Title: words})
		p.Texts = append(p.Texts, text{X: x + edge + 5, Y: y + 10, Style: plain, Text: words})
	}
}
