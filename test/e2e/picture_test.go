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
	edge      = 12            // of a cell
	inner     = 10 * edge     // of a grid
	across    = inner + 20    // from one grid to the next
	down      = inner + 26    // from the grids without muslsafe to those with it
	left      = 140           // of the grids
	head      = 112           // above the grids of a matrix: what it is, the libcs and the columns
	perMatrix = head + 2*down // from one matrix to the next
	foot      = 34            // below them: what the colours mean
)

// text is a line of the picture; it goes up if it is upright.
type text struct {
	X, Y      int
	IsBold    bool
	IsUpright bool
	Text      string
}

// square is a cell of the picture.
type square struct {
	X, Y  int
	Color string
	Title string
}

// page is what the template draws.
type page struct {
	Width, Height int
	Texts         []text
	Squares       []square
}

// Colours that differ for people who cannot tell red from green.
var colors = map[bool]string{true: "#a6dba0", false: "#7b3294"}

var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="10">
<rect width="100%" height="100%" fill="white"/>
{{range .Texts}}<text x="{{.X}}" y="{{.Y}}"{{if .IsBold}} font-weight="bold" font-size="12"{{end}}{{if .IsUpright}} transform="rotate(-90 {{.X}} {{.Y}})"{{end}}>{{.Text}}</text>
{{end}}{{range .Squares}}<rect x="{{.X}}" y="{{.Y}}" width="11" height="11" fill="{{.Color}}"><title>{{.Title}}</title></rect>
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
	matrix.Domain: "The first search domain gives these answers to every name below it",
	matrix.Name:   "The first search domain gives these answers to one name, and NXDOMAIN to all others",
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
	p.Texts = append(p.Texts, text{X: 8, Y: y - head + 20, IsBold: true, Text: headings[scope]})
	for i, name := range libcs {
		x := left + i*across
		p.Texts = append(p.Texts, text{X: x, Y: y - head + 40, IsBold: true, Text: name})
		for _, aaaa := range upstream.Pairable() {
			p.Texts = append(p.Texts, text{X: x + int(aaaa)*edge + 9, Y: y - 4, IsUpright: true, Text: answers[aaaa]})
		}
	}
	p.Texts = append(p.Texts, text{X: left - 62, Y: y - 24, Text: "AAAA →"}, text{X: left - 62, Y: y - 6, Text: "A ↓"})
	for with, words := range map[bool]string{false: "without", true: "with"} {
		y := top(scope, with)
		p.Texts = append(p.Texts, text{X: 8, Y: y + 9, IsBold: true, Text: words}, text{X: 8, Y: y + 24, IsBold: true, Text: "muslsafe"})
		for _, a := range upstream.Pairable() {
			p.Texts = append(p.Texts, text{X: left - 62, Y: y + int(a)*edge + 9, Text: answers[a]})
		}
		for i, name := range libcs {
			line := fmt.Sprintf("%d of 100 right", count(cells, name, scope, with))
			p.Texts = append(p.Texts, text{X: left + i*across, Y: y + inner + 11, Text: line})
		}
	}
}

// addLegend adds what the colours mean.
func (p *page) addLegend() {
	y := p.Height - foot + 8
	for i, isRight := range []bool{true, false} {
		x, words := left+i*across*2, "right"
		if !isRight {
			words = "wrong, or too late"
		}
		p.Squares = append(p.Squares, square{X: x, Y: y, Color: colors[isRight], Title: words})
		p.Texts = append(p.Texts, text{X: x + edge + 4, Y: y + 9, Text: words})
	}
}
