package matrix

import (
	"bytes"
	"slices"
	"text/template"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// Sizes of the picture, in pixels.
const (
	side   = 11  // of a cell
	grid   = 150 // from one grid to the next
	margin = 70  // left of the grids and above them, for the words
)

// square is a cell of the picture.
type square struct {
	X, Y  int
	Color string
	Title string
}

// Colours that differ for people who cannot tell red from green.
var colors = map[bool]string{true: "#a6dba0", false: "#7b3294"}

var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="10">
<rect width="100%" height="100%" fill="white"/>
{{range .Labels}}<text x="{{.X}}" y="{{.Y}}">{{.Title}}</text>
{{end}}{{range .Squares}}<rect x="{{.X}}" y="{{.Y}}" width="10" height="10" fill="{{.Color}}"><title>{{.Title}}</title></rect>
{{end}}</svg>
`))

// draw returns a picture of the matrix: a grid for each libc, above without muslsafe, below with it; a row for each
// answer to A, a column for each to AAAA.
func draw(cells []*cell) []byte {
	libcs := names(cells)
	page := struct {
		Width, Height   int
		Labels, Squares []square
	}{Width: margin + grid*len(libcs), Height: margin/2 + 2*grid}

	for i, name := range libcs {
		page.Labels = append(page.Labels, square{X: margin + i*grid, Y: 20, Title: name})
	}
	for row, title := range []string{"without", "with"} {
		page.Labels = append(page.Labels, square{X: 4, Y: 20 + row*grid + 10, Title: title})
		for i, a := range upstream.Pairable() {
			page.Labels = append(page.Labels, square{X: 4, Y: top(row) + i*side + 9, Title: a.String()})
		}
	}
	for _, c := range cells {
		row := 0
		if c.with {
			row = 1
		}
		page.Squares = append(page.Squares, square{
			X:     margin + slices.Index(libcs, c.libc.Name)*grid + int(c.aaaa)*side,
			Y:     top(row) + int(c.a)*side,
			Color: colors[c.isRight()],
			Title: c.String(),
		})
	}
	var out bytes.Buffer
	if err := svg.Execute(&out, page); err != nil {
		panic(err) // the template and the page are both ours
	}
	return out.Bytes()
}

// top is where the grids of a row begin.
func top(row int) int { return margin/2 + row*grid }
