package doctor

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"unicode/utf8"
)

// Sizes of the picture, in pixels.
const (
	charWidth  = 7.224 // of DejaVu Sans Mono and Menlo at 12 pixels; others are stretched to it
	lineHeight = 16
	edge       = 16
)

// run is text in one colour.
type run struct {
	X     float64 // where it begins
	Width float64
	Color string // "" for the ordinary one
	Bold  bool
	Text  string
}

// row is a line of the terminal.
type row struct {
	Y    int
	Runs []run
}

// ansi are the colours of doctor, for eyes that cannot tell red from green, too.
var ansi = map[int]string{31: "#ff7b72", 32: "#7ee787", 33: "#f2cc60"}

var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="12" fill="#e6edf3" xml:space="preserve">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
{{range .Rows}}{{$y := .Y}}{{range .Runs}}<text x="{{.X}}" y="{{$y}}" textLength="{{.Width}}"{{with .Color}} fill="{{.}}"{{end}}{{if .Bold}} font-weight="bold"{{end}}>{{html .Text}}</text>
{{end}}{{end}}</svg>
`))

// terminal draws text with the colours of a terminal.
func terminal(text string) []byte {
	page := struct {
		Width, Height int
		Rows          []row
	}{}
	columns := 0
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		runs, n := split(line)
		columns = max(columns, n)
		page.Rows = append(page.Rows, row{Y: edge + (i+1)*lineHeight - 4, Runs: runs})
	}
	page.Width, page.Height = int(float64(columns)*charWidth)+2*edge, len(page.Rows)*lineHeight+2*edge
	var out bytes.Buffer
	if err := svg.Execute(&out, page); err != nil {
		panic(err) // the template and the page are both ours
	}
	return out.Bytes()
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// split cuts a line where its colour changes and returns how many columns it has. Spaces need no drawing.
func split(line string) (runs []run, column int) {
	current := run{}
	add := func(text string) {
		trimmed := strings.TrimLeft(text, " ")
		at := column + len(text) - len(trimmed)
		column += utf8.RuneCountInString(text)
		if trimmed = strings.TrimRight(trimmed, " "); trimmed == "" {
			return
		}
		r := current
		r.X, r.Text = edge+float64(at)*charWidth, trimmed
		r.X = float64(int(r.X*10)) / 10
		r.Width = float64(int(float64(utf8.RuneCountInString(trimmed))*charWidth*10)) / 10
		runs = append(runs, r)
	}
	last := 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		add(line[last:m[0]])
		last = m[1]
		current = run{}
		for _, code := range strings.Split(line[m[2]:m[3]], ";") {
			n, _ := strconv.Atoi(code)
			current.Bold = current.Bold || n == 1
			if color := ansi[n]; color != "" {
				current.Color = color
			}
		}
	}
	add(line[last:])
	return runs, column
}

func TestTerminal(t *testing.T) {
	got := string(terminal("a \x1b[31mred\x1b[0m <b>\n\x1b[1mbold\x1b[0m"))
	for _, want := range []string{`>a</text>`, `fill="#ff7b72">red</text>`, `&lt;b&gt;`, `font-weight="bold">bold</text>`} {
		if !strings.Contains(got, want) {
			t.Errorf("terminal = %s; want %s in it", got, want)
		}
	}
}
