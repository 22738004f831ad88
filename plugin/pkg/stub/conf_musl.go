package stub

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"
)

const (
	maxServers = 3   // MAXNS, the same in musl and glibc
	maxNdots   = 15  // the same in both, as are the defaults: ndots 1, timeout 5, attempts 2
	muslLine   = 254 // octets of a line that __get_resolv_conf's buffer can hold, without the line end
	muslSpace  = " \t\n\v\f\r"
)

// defaults is an empty resolv.conf.
func defaults() Config { return Config{Ndots: 1, Timeout: 5 * time.Second, Attempts: 2} }

// parse reads a resolv.conf as __get_resolv_conf does. Lines that do not fit its buffer are left out whole: a
// long search line means no search at all.
func (g *musl) parse(r io.Reader) (Config, error) {
	c := defaults()
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return c, err
		}
		if len(strings.TrimSuffix(line, "\n")) <= muslLine {
			muslLineInto(&c, line)
		}
		if err != nil {
			return c, nil
		}
	}
}

// muslLineInto reads one line. The keyword must stand at its very beginning.
func muslLineInto(c *Config, line string) {
	line, _, _ = strings.Cut(line, "\x00") // the C string ends there
	key, rest, ok := cutSpace(line)
	if !ok {
		return
	}
	switch key {
	case "options":
		muslOptions(c, line)
	case "nameserver":
		if fields := strings.FieldsFunc(rest, isMuslSpace); len(fields) > 0 && len(c.Servers) < maxServers {
			if a, err := netip.ParseAddr(fields[0]); err == nil {
				c.Servers = append(c.Servers, a)
			}
		}
	case "domain", "search": // the last one wins, even if it is empty
		c.Search = strings.FieldsFunc(rest, isMuslSpace)
	}
}

// muslOptions looks for each option anywhere in the line, so that only its first mention counts.
func muslOptions(c *Config, line string) {
	if n, ok := optionValue(line, "ndots:"); ok {
		c.Ndots = min(n, maxNdots)
	}
	if n, ok := optionValue(line, "attempts:"); ok {
		c.Attempts = min(n, 10)
	}
	if n, ok := optionValue(line, "timeout:"); ok {
		c.Timeout = time.Duration(min(n, 60)) * time.Second
	}
}

// optionValue returns the number behind the first mention of key.
func optionValue(line, key string) (int, bool) {
	_, rest, ok := strings.Cut(line, key)
	if !ok {
		return 0, false
	}
	return number(rest)
}

// number reads the decimal digits at the beginning of s, if there are any. Huge numbers are as good as 999999.
func number(s string) (n int, ok bool) {
	for i := 0; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n, ok = min(n*10+int(s[i]-'0'), 999999), true
	}
	return n, ok
}

// cutSpace splits a line at its first space character; without one there is no keyword.
func cutSpace(line string) (key, rest string, ok bool) {
	i := strings.IndexAny(line, muslSpace)
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

func isMuslSpace(r rune) bool { return strings.ContainsRune(muslSpace, r) }
