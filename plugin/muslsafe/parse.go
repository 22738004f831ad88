package muslsafe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
)

// settings is a config in the making: what the Corefile says, before the defaults are filled in.
type settings struct {
	config
	cluster []domain
	search  []domain // nil if the Corefile does not say; from the file then
	given   map[string]bool
	root    string // directory of relative files, from the root plugin
}

// property is one line that may stand in a muslsafe block.
type property struct {
	name  string
	args  string // as in the README; empty if the property takes none
	parse func(s *settings, args []string) error
}

// properties are all that the parser knows. The README lists the same; a test compares them.
var properties = []property{
	{"cluster", "DOMAIN...", parseCluster},
	{"search", "DOMAIN... | FILE", parseSearch},
	{"except", "NAME...", parseExcept},
	{"disable", "FIX...", parseDisable},
	{"ipv4only", "", parseIPv4only},
	{"complete", "", parseComplete},
	{"wildcard", "", parseWildcard},
	{"dot", "", parseDot},
	{"ttl", "SECONDS", parseTTL},
	{"report", "", parseReport},
	{"clients", "", parseClients},
}

// parse turns the muslsafe line and block of one server block into a config. Every error names the file, the
// line, the token and what is accepted.
func parse(c *caddy.Controller) (*config, error) {
	s := &settings{config: *newConfig(), given: make(map[string]bool), root: dnsserver.GetConfig(c).Root}
	c.Next() // "muslsafe"
	if err := parseZones(s, c.RemainingArgs()); err != nil {
		return nil, c.Err(err.Error())
	}
	for c.NextBlock() {
		if err := parseProperty(s, c.Val(), c.RemainingArgs()); err != nil {
			return nil, c.Err(err.Error())
		}
	}
	if c.Next() {
		return nil, c.Err(surplus(c.Val()))
	}
	if err := s.finish(c.ServerBlockKeys); err != nil {
		return nil, c.Err(err.Error())
	}
	return &s.config, nil
}

// surplus says what is wrong with a token after the end of the block.
func surplus(token string) string {
	if token == pluginName {
		return fmt.Sprintf("%q stands in this server block already; expect it once, with all properties in one block", token)
	}
	return fmt.Sprintf("unexpected token %q; expect nothing after the block of %s", token, pluginName)
}

func parseProperty(s *settings, name string, args []string) error {
	i := slices.IndexFunc(properties, func(p property) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("unknown property %q; expect one of %s", name, propertyNames())
	}
	p := properties[i]
	if s.given[name] {
		return fmt.Errorf("property %q is given twice; expect it once, with all its arguments on one line", name)
	}
	s.given[name] = true
	if p.args != "" && len(args) == 0 {
		return fmt.Errorf("property %q has no argument; expect %s %s", name, name, p.args)
	}
	if p.args == "" && len(args) > 0 {
		return fmt.Errorf("unexpected argument %q; property %q takes none", args[0], name)
	}
	return p.parse(s, args)
}

func propertyNames() string {
	names := make([]string, len(properties))
	for i, p := range properties {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// finish fills in what the Corefile leaves open. The keys are those of the server block.
func (s *settings) finish(keys []string) error {
	if s.cluster == nil {
		s.cluster = []domain{defaultCluster}
	}
	if s.search == nil {
		search, err := searchFile(defaultResolv)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("search list of the node: %w", err)
		}
		s.search, s.from = search, defaultResolv
	}
	s.setSuffixes(s.cluster, s.search)
	for _, origin := range plugin.OriginsFromArgsOrServerBlock(nil, keys) {
		s.suffixes.served = append(s.suffixes.served, domain(origin))
	}
	if len(s.zones) > 0 && !slices.ContainsFunc(s.zones, s.meets) {
		log.Warningf("zones %v are outside of the server block %v, so nothing is done there", s.zones, s.suffixes.served)
	}
	return nil
}

// meets reports whether the server block can receive a name in zone.
func (s *settings) meets(zone domain) bool {
	return len(s.suffixes.served) == 0 || slices.ContainsFunc(s.suffixes.served, func(served domain) bool {
		return served.contains(string(zone)) || zone.contains(string(served))
	})
}

func parseZones(s *settings, args []string) error {
	for _, arg := range args {
		if slices.ContainsFunc(properties, func(p property) bool { return p.name == arg }) {
			return fmt.Errorf("%q is a property, not a zone; expect it on a line of its own between { and }", arg)
		}
		origins := plugin.Host(arg).NormalizeExact() // a network, 10.0.0.0/8, stands for its reverse zones
		if len(origins) == 0 {
			return fmt.Errorf("invalid zone %q; expect a domain name, or a network such as 10.0.0.0/8", arg)
		}
		for _, origin := range origins {
			d, err := parseZone(origin)
			if err != nil {
				return fmt.Errorf("invalid zone %q: %w", arg, err)
			}
			if slices.Contains(s.zones, d) {
				return fmt.Errorf("zone %q is given twice; expect it once", arg)
			}
			s.zones = append(s.zones, d)
		}
	}
	return nil
}

func parseZone(origin string) (domain, error) {
	if origin == "." {
		return ".", nil
	}
	return parseDomain(origin)
}

func parseCluster(s *settings, args []string) (err error) {
	s.cluster, err = parseDomains(args)
	return err
}

// parseSearch reads a list of domains, or the file that holds it. What has a slash in it is a file.
func parseSearch(s *settings, args []string) (err error) {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.Contains(arg, "/") })
	if i < 0 {
		s.from = "the Corefile"
		if info, err := os.Stat(filepath.Join(s.root, args[0])); err == nil && info.Mode().IsRegular() {
			return fmt.Errorf("%q is a file here, and a domain by its looks; expect a slash in the name of a file, as in ./%s", args[0], args[0])
		}
		s.search, err = parseDomains(args)
		return err
	}
	if len(args) > 1 {
		return fmt.Errorf("%q is a file and stands among other arguments; expect search DOMAIN... or search FILE", args[i])
	}
	s.from = args[i]
	if !filepath.IsAbs(s.from) {
		s.from = filepath.Join(s.root, s.from)
	}
	s.search, err = searchFile(s.from)
	if err != nil {
		return fmt.Errorf("search file %q: %w; expect a readable resolv.conf(5)", args[i], err)
	}
	return nil
}

func parseExcept(s *settings, args []string) (err error) {
	s.except, err = parseDomains(args)
	return err
}

func parseDisable(s *settings, args []string) error {
	for _, arg := range args {
		f := fix(max(slices.Index(fixNames[:], arg), 0)) // noFix if it is none
		if !byDefault[f] {
			return fmt.Errorf("unknown fix %q; expect one of %s", arg, defaultFixes())
		}
		if !s.enabled[f] {
			return fmt.Errorf("fix %q is disabled twice; expect it once", arg)
		}
		s.enabled[f] = false
	}
	return nil
}

// defaultFixes lists the fixes that can be disabled.
func defaultFixes() string {
	var names []string
	for f, on := range byDefault {
		if on {
			names = append(names, fixNames[f])
		}
	}
	return strings.Join(names, ", ")
}

func parseIPv4only(s *settings, _ []string) error {
	s.enabled[fixIPv4only] = true
	return nil
}

func parseComplete(s *settings, _ []string) error {
	s.enabled[fixComplete] = true
	return nil
}

func parseWildcard(s *settings, _ []string) error {
	s.enabled[fixWildcard] = true
	return nil
}

func parseDot(s *settings, _ []string) error {
	s.enabled[fixDot] = true
	return nil
}

func parseTTL(s *settings, args []string) error {
	ttl, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil || ttl > maxTTL {
		return fmt.Errorf("invalid ttl %q; expect whole seconds from 0 to %d", args[0], maxTTL)
	}
	if len(args) > 1 {
		return fmt.Errorf("unexpected argument %q; expect ttl SECONDS", args[1])
	}
	s.ttl = uint32(ttl)
	return nil
}

func parseReport(s *settings, _ []string) error {
	s.report = true
	return nil
}

func parseClients(s *settings, _ []string) error {
	s.clients = true
	return nil
}
