package stub

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Model is one libc, or a range of its versions that behave alike.
type Model struct {
	Name   string // what Find takes: the libc and a version of the range
	Covers string // the range
	Alpine string // the Alpine releases with a libc of this range, "" for glibc

	first, last version
	libc        libc
}

// libc is what the two families of models have to provide.
type libc interface {
	parse(r io.Reader) (Config, error)
	getaddrinfo(l *lookup, name string) Result
}

// models is the closed list, oldest musl first. musl before 1.1.13 has no search list and is not modelled.
var models = []*Model{
	{
		Name: "musl-1.2.0", Covers: "musl 1.1.13 to 1.2.0", Alpine: "3.4 to 3.12",
		first: version{1, 1, 13}, last: version{1, 2, 0},
		libc: &musl{buffer: 512, maxRecords: 64, lowPointers: true, loose: true, anyHalf: true, empty: NoName},
	},
	{
		Name: "musl-1.2.3", Covers: "musl 1.2.1 to 1.2.3", Alpine: "3.13 to 3.17",
		first: version{1, 2, 1}, last: version{1, 2, 3},
		libc: &musl{buffer: 512, maxRecords: 64, lowPointers: true, loose: true, empty: NoName},
	},
	{
		// Alpine 3.19 has a snapshot between 1.2.4 and 1.2.5: it keeps the limit of records, not that of pointers.
		Name: "musl-1.2.4", Covers: "musl 1.2.4", Alpine: "3.18, 3.19",
		first: version{1, 2, 4}, last: version{1, 2, 4},
		libc: &musl{buffer: 768, maxRecords: 64, lowPointers: true, tcp: true, empty: NoData},
	},
	{
		Name: "musl-1.2.5", Covers: "musl from 1.2.5", Alpine: "from 3.20",
		first: version{1, 2, 5}, last: version{1, 2, 99},
		libc: &musl{buffer: 4800, tcp: true, empty: NoData},
	},
	{
		Name: "glibc-2.36", Covers: "glibc 2.36",
		first: version{2, 36, 0}, last: version{2, 36, 99},
		libc: glibc{},
	},
}

// Models returns all models: musl from the oldest to the newest, then glibc.
func Models() []*Model { return slices.Clone(models) }

// Find returns the model of a libc version such as "musl-1.2.2", "musl-1.2.6" or "glibc-2.36", and whether
// there is one.
func Find(name string) (*Model, bool) {
	family, text, ok := strings.Cut(name, "-")
	if !ok {
		return nil, false
	}
	v, ok := parseVersion(text)
	if !ok {
		return nil, false
	}
	for _, m := range models {
		if strings.HasPrefix(m.Name, family+"-") && !v.before(m.first) && !m.last.before(v) {
			return m, true
		}
	}
	return nil, false
}

// ParseResolvConf reads a resolv.conf as this libc does, limits included. It fails only if r does:
// no libc rejects a line that it does not understand.
func (m *Model) ParseResolvConf(r io.Reader) (Config, error) {
	c, err := m.libc.parse(r)
	if err != nil {
		return Config{}, fmt.Errorf("read resolv.conf: %w", err)
	}
	return c, nil
}

type version [3]int

func (v version) before(w version) bool { return slices.Compare(v[:], w[:]) < 0 }

// parseVersion reads "1.2.3" or "2.36".
func parseVersion(s string) (v version, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > len(v) {
		return v, false
	}
	for i, p := range parts {
		n, ok := number(p)
		if !ok || len(p) > 4 {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
