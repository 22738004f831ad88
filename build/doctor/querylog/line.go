package querylog

import (
	"encoding/json"
	"strings"
)

// record is what is read of one query. Its strings are parts of the line.
type record struct {
	client, name, qtype, rcode string
}

// parse reads one line of the log plugin: in the common and the combined format, in JSON as -log-format=json writes it, and in a
// JSON format of one's own. Anything may stand in front of it, as kubectl and container runtimes put a prefix there; and
// it may be a string in the JSON of a log collector, as in docker's.
func parse(line string) (record, bool) {
	object, ok := jsonObject(line)
	if !ok {
		return parseText(line)
	}
	if r, ok := parseJSON(object); ok {
		return r, true
	}
	if inner, ok := member(object, wrapperKeys); ok {
		return parse(inner)
	}
	return record{}, false
}

// jsonObject returns the line from the brace of a JSON object on: one that stands in front of the first quote.
func jsonObject(line string) (string, bool) {
	quote := strings.IndexByte(line, '"')
	if quote < 0 {
		return "", false
	}
	brace := len(strings.TrimRight(line[:quote], " \t")) - 1
	if brace < 0 || line[brace] != '{' {
		return "", false
	}
	return line[brace:], true
}

// parseText reads: [INFO] CLIENT:PORT - ID "TYPE CLASS NAME PROTO ..." RCODE ...
func parseText(line string) (r record, ok bool) {
	before, rest, ok := strings.Cut(line, `"`)
	if !ok {
		return r, false
	}
	end := closingQuote(rest)
	if end < 0 {
		return r, false
	}
	question, after := rest[:end], rest[end+1:]
	var class string
	r.qtype, question, _ = strings.Cut(question, " ")
	class, question, _ = strings.Cut(question, " ")
	r.name, _, _ = strings.Cut(question, " ")
	r.rcode, _, _ = strings.Cut(strings.TrimPrefix(after, " "), " ")
	r.client = client(before)
	return r, class != "" && isName(r.name) && isType(r.qtype)
}

// closingQuote returns the index of the first quote that has no backslash before it, as one in a name has; -1 if there is none.
func closingQuote(s string) int {
	if i := strings.IndexByte(s, '"'); i < 0 || strings.IndexByte(s[:i], '\\') < 0 {
		return i
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// client finds the address in front of " - ".
func client(before string) string {
	if i := strings.LastIndex(before, " - "); i >= 0 {
		before = before[:i]
	}
	before = before[strings.LastIndexByte(before, ' ')+1:]
	if i := strings.LastIndexByte(before, ':'); i >= 0 {
		before = before[:i]
	}
	return strings.Trim(before, "[]") // JSON has no brackets around IPv6
}

// The members of JSON records: those of CoreDNS first, then what people call them in formats of their own.
var (
	nameKeys   = []string{`"qname":`, `"name":`, `"query":`}
	typeKeys   = []string{`"qtype":`, `"type":`}
	rcodeKeys  = []string{`"rcode":`, `"status":`}
	clientKeys = []string{`"client_ip":`, `"remote":`, `"client":`}

	// wrapperKeys are what log collectors call the line that they have read.
	wrapperKeys = []string{`"log":`, `"message":`, `"msg":`}
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

// member returns the string behind the first of keys that the line has one for.
func member(line string, keys []string) (string, bool) {
	for _, key := range keys {
		i := strings.Index(line, key)
		if i < 0 {
			continue
		}
		if value, ok := strings.CutPrefix(strings.TrimLeft(line[i+len(key):], " "), `"`); ok {
			return unquote(value)
		}
	}
	return "", false
}

// unquote returns a JSON string up to its closing quote. Most have no backslash and are a part of the line.
func unquote(s string) (string, bool) {
	end := closingQuote(s)
	if end < 0 {
		return "", false
	}
	if s = s[:end]; strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	return unescape(s), true
}

// unescape decodes what stands between the quotes of a JSON string. A format of one's own for the text log puts names in as they
// are, with escapes that JSON does not know: those stay.
func unescape(s string) (text string) {
	if json.Unmarshal([]byte(`"`+s+`"`), &text) != nil {
		return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
	}
	return text
}

func isName(s string) bool { return strings.HasSuffix(s, ".") }

// isType reports whether s looks like a type: A, NSEC3, TYPE65.
func isType(s string) bool { return s != "" && 'A' <= s[0] && s[0] <= 'Z' }
