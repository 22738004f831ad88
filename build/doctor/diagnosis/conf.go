package diagnosis

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// Settings replace parts of a resolv.conf.
type Settings struct {
	Servers []string // ADDR or ADDR:PORT; nil keeps those of the file
	Search  []string // nil keeps those of the file; empty stands for no search list
	Ndots   int      // negative keeps that of the file
}

// Apply returns the text of a resolv.conf with the settings in it, so that each libc reads them with its own limits,
// and the ports of servers that are not on port 53.
func (s Settings) Apply(text string) (string, map[netip.Addr]uint16, error) {
	ports, servers, err := s.servers()
	if err != nil {
		return "", nil, err
	}
	if s.Servers != nil {
		text = without(text, "nameserver") + servers
	}
	if s.Search != nil {
		text = without(text, "search", "domain")
		if len(s.Search) > 0 {
			text += "search " + strings.Join(s.Search, " ") + "\n"
		}
	}
	if s.Ndots >= 0 {
		text = ended(text) + "options ndots:" + strconv.Itoa(s.Ndots) + "\n"
	}
	return text, ports, nil
}

// servers returns the ports of the servers that have one, and lines for all.
func (s Settings) servers() (map[netip.Addr]uint16, string, error) {
	ports, lines := make(map[netip.Addr]uint16), ""
	for _, text := range s.Servers {
		server, err := parseServer(text)
		if err != nil {
			return nil, "", err
		}
		if port, ok := ports[server.Addr()]; ok && port != server.Port() {
			return nil, "", fmt.Errorf("server %s is given with two ports, %d and %d; expect one", server.Addr(), port, server.Port())
		}
		ports[server.Addr()] = server.Port()
		lines += "nameserver " + server.Addr().String() + "\n"
	}
	return ports, lines, nil
}

// parseServer reads an address with or without a port.
func parseServer(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(addr, 53), nil
	}
	server, err := netip.ParseAddrPort(text)
	if err != nil || server.Port() == 0 {
		return server, fmt.Errorf("invalid server %q; expect an IP address, with or without a port: 192.0.2.53, 192.0.2.53:1053 or [2001:db8::53]:1053", text)
	}
	return server, nil
}

// without returns text without the lines of these keywords.
func without(text string, keywords ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		drop := false
		for _, keyword := range keywords {
			drop = drop || strings.HasPrefix(line, keyword+" ") || strings.HasPrefix(line, keyword+"\t")
		}
		if !drop {
			kept.WriteString(line)
		}
	}
	return ended(kept.String())
}

// ended returns text with a line end behind its last line.
func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// Suffixes returns what pods with a search list append to names. What stands behind "svc." in the list is a cluster domain.
func Suffixes(search []string) (*names.Suffixes, error) {
	var cluster, node []string
	for _, d := range search {
		d = strings.ToLower(strings.TrimSuffix(d, "."))
		if c, ok := strings.CutPrefix(d, "svc."); ok {
			cluster = append(cluster, c)
		}
		if d != "" && !slices.Contains(node, d) {
			node = append(node, d)
		}
	}
	suffixes, err := names.Parse(cluster, node)
	if err != nil { // a search list may hold anything
		return names.Parse(cluster, nil)
	}
	return suffixes, nil
}
