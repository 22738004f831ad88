package scan

import (
	"slices"
	"strconv"
	"strings"
)

// version is major, minor and patch of a release.
type version [3]int

func (v version) String() string {
	return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) + "." + strconv.Itoa(v[2])
}

func (v version) before(w version) bool { return slices.Compare(v[:], w[:]) < 0 }

// parseVersion reads the numbers at the beginning of a text such as "1.2.4_git20230717-r4" or "1.71.0-nightly". A third
// number that is missing is zero.
func parseVersion(text string) (v version, ok bool) {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		text = text[:end]
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > len(v) {
		return version{}, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || len(part) > 5 {
			return version{}, false
		}
		v[i] = n
	}
	return v, true
}

// span is a range of versions, both ends included. The zero version stands for an end that is not known.
type span struct{ from, to version }

func exactly(v version) span { return span{v, v} }

func (s span) isKnown() bool { return s != span{} }

// String returns "1.2.3", "1.2.1 to 1.2.3", "1.2.5 or later", "1.2.0 or earlier" or "".
func (s span) String() string {
	switch {
	case !s.isKnown():
		return ""
	case s.from == s.to:
		return s.from.String()
	case s.from == version{}:
		return s.to.String() + " or earlier"
	case s.to == version{}:
		return s.from.String() + " or later"
	}
	return s.from.String() + " to " + s.to.String()
}

// and returns the versions that are in both, and whether there are any.
func (s span) and(t span) (both span, ok bool) {
	both = s
	if both.from.before(t.from) {
		both.from = t.from
	}
	if t.to != (version{}) && (both.to == version{} || t.to.before(both.to)) {
		both.to = t.to
	}
	return both, both.to == version{} || !both.to.before(both.from)
}
