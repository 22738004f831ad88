package stub_test

import (
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// The matrix as measured with real libcs: the first search domain answers A by the row and AAAA by the column,
// the second has data. In musl's, "fail" is each of servfail, refused, notimp, formerr and silence; "d2" stands
// for both addresses of the second domain.
var muslMatrix = map[string]string{
	"musl-1.2.0": `
		.        data         nodata    nxdomain  fail         tcempty   tcsome
		data     d1_1v4_1v6   d1_1v4    d1_1v4    d1_1v4_@5    d1_1v4    d1_1v4_1v6
		nodata   d1_1v6       NONAME    NONAME    NONAME_@5    NONAME    d1_1v6
		nxdomain d1_1v6       d2        d2        d2_@5        d2        d1_1v6
		fail     d1_1v6_@5    AGAIN_@5  AGAIN_@5  AGAIN_@5     AGAIN_@5  d1_1v6_@5
		tcempty  d1_1v6       NONAME    NONAME    NONAME_@5    NONAME    d1_1v6
		tcsome   d1_1v4_1v6   d1_1v4    d1_1v4    d1_1v4_@5    d1_1v4    d1_1v4_1v6`,
	"musl-1.2.3": `
		.        data         nodata    nxdomain  fail         tcempty   tcsome
		data     d1_1v4_1v6   d1_1v4    d2        AGAIN_@5     d1_1v4    d1_1v4_1v6
		nodata   d1_1v6       NONAME    d2        AGAIN_@5     NONAME    d1_1v6
		nxdomain d2           d2        d2        d2_@5        d2        d2
		fail     AGAIN_@5     AGAIN_@5  AGAIN_@5  AGAIN_@5     AGAIN_@5  AGAIN_@5
		tcempty  d1_1v6       NONAME    d2        AGAIN_@5     NONAME    d1_1v6
		tcsome   d1_1v4_1v6   d1_1v4    d2        AGAIN_@5     d1_1v4    d1_1v4_1v6`,
	"musl-1.2.5": `
		.        data         nodata    nxdomain  fail         tcempty      tcsome
		data     d1_1v4_1v6   d1_1v4    d2        AGAIN_@5     d1_1v4_3v6   d1_1v4_3v6
		nodata   d1_1v6       NODATA    d2        AGAIN_@5     d1_3v6       d1_3v6
		nxdomain d2           d2        d2        d2_@5        d2           d2
		fail     AGAIN_@5     AGAIN_@5  AGAIN_@5  AGAIN_@5     AGAIN_@5     AGAIN_@5
		tcempty  d1_3v4_1v6   d1_3v4    d2        AGAIN_@5     d1_3v4_3v6   d1_3v4_3v6
		tcsome   d1_3v4_1v6   d1_3v4    d2        AGAIN_@5     d1_3v4_3v6   d1_3v4_3v6`,
}

// glibc tells the failures apart, and truncation on one half with silence on the other never ends.
const glibcMatrix = `
	.        data         nodata   nxdomain servfail     refused      notimp       formerr      silence      tcempty      tcsome
	data     d1_1v4_1v6   d1_1v4   d1_1v4   d1_1v4       d1_1v4       d1_1v4       d1_1v4       d1_1v4_@15   d1_1v4_3v6   d1_1v4_3v6
	nodata   d1_1v6       d2       d2       d2           d2           d2           NONAME       d2_@15       d1_3v6       d1_3v6
	nxdomain d1_1v6       d2       d2       d2           d2           d2           d2           d2_@15       d1_3v6       d1_3v6
	servfail d1_1v6       d2       d2       d2           d2           d2           NONAME       d2_@10       d1_3v6       d1_3v6
	refused  d1_1v6       d2       d2       NONAME       NONAME       NONAME       NONAME       NONAME_@10   d1_3v6       d1_3v6
	notimp   d1_1v6       d2       d2       NONAME       NONAME       NONAME       NONAME       NONAME_@10   d1_3v6       d1_3v6
	formerr  d1_1v6       NONAME   NONAME   NONAME       NONAME       NONAME       NONAME       NONAME_@15   d1_3v6       d1_3v6
	silence  NONAME_@15   NONAME_@15 NONAME_@15 d2_@10   NONAME_@10   NONAME_@10   NONAME_@15   NONAME_@10   hang         hang
	tcempty  d1_3v4_1v6   d1_3v4   d1_3v4   d1_3v4       d1_3v4       d1_3v4       d1_3v4       hang         d1_3v4_3v6   d1_3v4_3v6
	tcsome   d1_3v4_1v6   d1_3v4   d1_3v4   d1_3v4       d1_3v4       d1_3v4       d1_3v4       hang         d1_3v4_3v6   d1_3v4_3v6`

func TestMatrix(t *testing.T) {
	tables := map[string]string{"musl-1.2.4": muslMatrix["musl-1.2.5"], "glibc-2.36": glibcMatrix}
	for name, table := range muslMatrix {
		tables[name] = table
	}
	for _, col := range columns {
		lines := strings.Split(strings.TrimSpace(tables[col]), "\n")
		heads := strings.Fields(lines[0])[1:]
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			for i, head := range heads {
				want := strings.ReplaceAll(cells[i+1], "_", " ")
				want = strings.Replace(want, "d2", "d2 1v4 1v6", 1)
				testCell(t, col, cells[0], head, want)
			}
		}
	}
}

func testCell(t *testing.T, col, row, head, want string) {
	t.Helper()
	for _, a := range spread(row) {
		for _, aaaa := range spread(head) {
			if got := show(lookup(t, model(t, col), twoDomains, stub.Both, a+"."+aaaa)); got != want {
				t.Errorf("%s: A %s, AAAA %s = %s; want %s", col, a, aaaa, got, want)
			}
		}
	}
}

// spread returns the answers that a row or column stands for.
func spread(head string) []string {
	if head == "fail" {
		return []string{"servfail", "refused", "notimp", "formerr", "silence"}
	}
	return []string{head}
}

// The matrix has all ten answers that the upstream can pair.
func TestMatrixIsWhole(t *testing.T) {
	heads := strings.Fields(strings.Split(strings.TrimSpace(glibcMatrix), "\n")[0])[1:]
	for i, a := range upstream.Pairable() {
		if heads[i] != a.String() {
			t.Errorf("column %d = %s; want %v", i, heads[i], a)
		}
	}
}
