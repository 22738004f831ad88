package stub

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"
)

// parse reads a resolv.conf as glibc's res_vinit_1 does. Lines may have any length. Without a search or domain
// line glibc derives the search list from the host's name, which a model does not know: it is then empty.
func (glibc) parse(r io.Reader) (Config, error) {
	c := defaults()
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return c, err
		}
		glibcLineInto(&c, strings.TrimSuffix(line, "\n"))
		if err != nil {
			return c, nil
		}
	}
}

// glibcLineInto reads one line. Unlike in musl, an empty search line changes nothing, and "domain" takes one name.
func glibcLineInto(c *Config, line string) {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return
	}
	fields := strings.FieldsFunc(line[i:], func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 {
		return
	}
	switch line[:i] {
	case "domain":
		c.Search = fields[:1]
	case "search":
		c.Search = fields
	case "nameserver":
		if a, err := netip.ParseAddr(fields[0]); err == nil && len(c.Servers) < maxServers {
			c.Servers = append(c.Servers, a)
		}
	case "options":
		for _, f := range fields {
			glibcOption(c, f)
		}
	}
}

// glibcOption reads one option. What glibc does not know it skips; so do we for what changes no outcome here.
func glibcOption(c *Config, option string) {
	key, value, _ := strings.Cut(option, ":")
	n, _ := number(value)
	switch key {
	case "ndots":
		c.Ndots = min(n, maxNdots)
	case "timeout":
		c.Timeout = time.Duration(min(n, 30)) * time.Second
	case "attempts":
		c.Attempts = min(n, 5)
	case "single-request":
		c.SingleRequest = true
	case "single-request-reopen":
		c.SingleRequestReopen = true
	case "use-vc":
		c.UseTCP = true
	case "no-aaaa":
		c.NoAAAA = true
	}
}
