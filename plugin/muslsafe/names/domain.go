// Package names says what role a DNS name has in the search of a resolver: a plain name, a name with a search suffix appended,
// or one that only search expansion can make. It also returns the names that a search asks for, in order.
//
// Everything here is a function from values to values. Names are fully qualified, in text form (RFC 1035, section 5.1), and in
// lower case unless documented otherwise: see [Lower].
package names

import "strings"

// A Domain is a fully qualified domain name in lower case, without escapes: "cluster.local.".
type Domain string

// Contains reports whether name, in lower case, is d or is below it. The root contains every name.
func (d Domain) Contains(name string) bool { return d == "." || d.At(name) >= 0 }

// At returns the offset at which d begins if name, in lower case, ends in d, and -1 if it does not. Every name ends in the root,
// but no resolver appends it, so At does not find it.
func (d Domain) At(name string) int {
	i := len(name) - len(d)
	if i < 0 || name[i:] != string(d) || !labelBegins(name, i) {
		return -1
	}
	return i
}

// Labels returns the number of labels in d.
func (d Domain) Labels() int { return strings.Count(string(d), ".") }

// AnyContains reports whether name, in lower case, is one of the domains or is below one.
func AnyContains(domains []Domain, name string) bool {
	for _, d := range domains {
		if d.Contains(name) {
			return true
		}
	}
	return false
}

// labelBegins reports whether a label of name begins at offset i. A dot with a backslash before it is part of a label
// (RFC 4343, section 2.1), so no label begins after it.
func labelBegins(name string, i int) bool {
	if i == 0 {
		return true
	}
	if name[i-1] != '.' {
		return false
	}
	backslashes := 0
	for j := i - 2; j >= 0 && name[j] == '\\'; j-- {
		backslashes++
	}
	return backslashes%2 == 0
}

// cutLast splits off the last label of name: "web.default." is "web." and "default".
func cutLast(name string) (before, label string) {
	end := len(name) - 1
	i := max(end, 0)
	for i > 0 && !labelBegins(name, i) {
		i--
	}
	return name[:i], name[i:max(end, 0)]
}

// hasUnderscore reports whether a label of name begins with an underscore (RFC 8552).
func hasUnderscore(name string) bool {
	for i := 0; ; i++ {
		n := strings.IndexByte(name[i:], '_')
		if n < 0 {
			return false
		}
		if i += n; labelBegins(name, i) {
			return true
		}
	}
}

// Lower returns name with its ASCII letters in lower case, and name itself if they already are. It keeps every offset, which
// [strings.ToLower] does not do for bytes that are not UTF-8.
func Lower(name string) string {
	for i := range len(name) {
		if isUpper(name[i]) {
			return lowerFrom(name, i)
		}
	}
	return name
}

func lowerFrom(name string, from int) string {
	b := []byte(name)
	for i := from; i < len(b); i++ {
		if isUpper(b[i]) {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
