//go:build faults

package faults

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// table has the results of all faults.
type table struct{ rows []tableRow }

type tableRow struct {
	about string
	sides []tally
}

func (tb *table) add(about string, sides []tally) { tb.rows = append(tb.rows, tableRow{about, sides}) }

// cells are those of one row: success, times and wrong answers without muslsafe, then with it.
func (r tableRow) cells() []string {
	cells := []string{r.about}
	for _, y := range r.sides {
		cells = append(cells, fmt.Sprintf("%.1f %% of %d", 100*y.success(), y.lookups), seconds(y.quantile(0.5)),
			seconds(y.quantile(0.99)), fmt.Sprint(y.wrong))
	}
	return cells
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

func (tb *table) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\twithout\tmedian\tp99\twrong\twith\tmedian\tp99\twrong")
	for _, r := range tb.rows {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
	}
	_ = w.Flush() // to memory
	return b.String()
}

const heading = `# Faults

What clients notice of a fault, without muslsafe and with it. Both servers are CoreDNS with the same Corefile, with *cache* and
two upstreams, and have the fault at the same time. The clients look up names as musl 1.2.5 does, on real sockets, in a pod with
four search domains: cold and warm names, services, and names that do not exist. A lookup is right if it finds what exists. It
is wrong if it gets another address, or a denial of a name that exists, after which no client tries again. All other lookups
end in temporary failures.
`

func (tb *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nEach fault lasts %v, or longer if it needs to. `make faults FAULT=%v` measures it again.\n\n", heading, *lasts, *lasts)
	b.WriteString("| fault | right without | median | p99 | wrong | right with | median | p99 | wrong |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range tb.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	return b.String()
}
