package muslsafe

import "strings"

// domain is a fully qualified domain name in lower case, without escapes: "cluster.local.".
type domain string

// contains reports whether name, in lower case, is d or lies below it.
func (d domain) contains(name string) bool { return d == "." || d.at(name) >= 0 }

// at returns the offset at which d begins as the end of name, or -1 if name does not end in d.
// The root, which every name ends in and no resolver appends, is not found.
func (d domain) at(name string) int {
	i := len(name) - len(d)
	if i < 0 || name[i:] != string(d) || !labelBegins(name, i) {
		return -1
	}
	return i
}

// labels returns the number of labels in d.
func (d domain) labels() int { return strings.Count(string(d), ".") }

// labelBegins reports whether a label of name begins at offset i. A dot that is part of a label is written
// with a backslash before it (RFC 4343, section 2.1) and begins nothing.
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

// lower returns name with the ASCII letters in lower case, and name itself if they all are. It keeps every
// offset, which [strings.ToLower] does not for bytes that are not UTF-8.
func lower(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			return lowered(name, i)
		}
	}
	return name
}

func lowered(name string, from int) string {
	b := []byte(name)
	for i := from; i < len(b); i++ {
		if c := b[i]; 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}
