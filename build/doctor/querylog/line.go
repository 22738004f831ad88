package querylog

import "strings"

// record is what is read of one query. Its strings are parts of the line.
type record struct {
	client, name, qtype, rcode string
}

// parse reads one line of the log plugin: in the common and the combined format, wherever the line comes from (kubectl,
// a container runtime, docker's JSON), and in JSON, as -log-format=json writes it or a format of one's own.
func parse(line string) (record, bool) {
	if strings.HasPrefix(line, "{") {
		if r, ok := parseJSON(line); ok {
			return r, true
		}
		return parseText(line, `\"`) // a line of text inside of docker's JSON
	}
	return parseText(line, `"`)
}

// parseText reads: [INFO] CLIENT:PORT - ID "TYPE CLASS NAME PROTO ..." RCODE ...
func parseText(line, quote string) (r record, ok bool) {
	before, rest, ok := strings.Cut(line, quote)
	if !ok {
		return r, false
	}
	question, after, ok := strings.Cut(rest, quote)
	if !ok {
		return r, false
	}
	var class string
	r.qtype, question, _ = strings.Cut(question, " ")
	class, question, _ = strings.Cut(question, " ")
	r.name, _, _ = strings.Cut(question, " ")
	r.rcode, _, _ = strings.Cut(strings.TrimPrefix(after, " "), " ")
	r.client = client(before)
	return r, class != "" && isName(r.name) && isType(r.qtype)
}

// client finds the address in front of " - ".
func client(before string) string {
	if i := strings.LastIndex(before, " - "); i >= 0 {
		before = before[:i]
	}
	before = before[strings.LastIndexByte(before, ' ')+1:]
	if i := strings.LastIndexByte(before, ':'); i >= 0 {
		return before[:i]
	}
	return before
}

// The members of JSON records: those of CoreDNS first, then what people call them in formats of their own.
var (
	nameKeys   = []string{`"qname":`, `"name":`, `"query":`}
	typeKeys   = []string{`"qtype":`, `"type":`}
	rcodeKeys  = []string{`"rcode":`, `"status":`}
	clientKeys = []string{`"client_ip":`, `"remote":`, `"client":`}
)

func parseJSON(line string) (r record, ok bool) {
	r.name, ok = member(line, nameKeys)
	if !ok {
		return r, false
	}
	r.qtype, _ = member(line, typeKeys)
	r.rcode, _ = member(line, rcodeKeys)
	r.client, _ = member(line, clientKeys)
	return r, isName(r.name) && isType(r.qtype)
}

// member returns the string behind the first of keys that the line has.
func member(line string, keys []string) (string, bool) {
	for _, key := range keys {
		i := strings.Index(line, key)
		if i < 0 {
			continue
		}
		value, ok := strings.CutPrefix(strings.TrimLeft(line[i+len(key):], " "), `"`)
		if !ok {
			return "", false
		}
		return unquote(value)
	}
	return "", false
}

// unquote returns a string up to its closing quote. Names have backslashes at the most.
func unquote(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			if strings.IndexByte(s[:i], '\\') < 0 {
				return s[:i], true
			}
			return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s[:i]), true
		case '\\':
			i++
		}
	}
	return "", false
}

func isName(s string) bool { return strings.HasSuffix(s, ".") }

// isType reports whether s looks like a type: A, NSEC3, TYPE65.
func isType(s string) bool { return s != "" && 'A' <= s[0] && s[0] <= 'Z' }
