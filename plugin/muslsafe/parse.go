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
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// settings is a config in the making: what the Corefile says, before the defaults are filled in.
type settings struct {
	config
	cluster []names.Domain
	search  []names.Domain // nil if the Corefile does not say: then they come from the default file
	given   map[string]bool
	root    string // directory of relative files, set by the root plugin
}

// property is one line that a muslsafe block may have.
type property struct {
	name  string
	args  string // as in the README; empty if the property takes none
	parse func(s *settings, args []string) error
}

// properties are all that the parser knows. A test compares them with the README.
var properties = []property{
	{"cluster", "DOMAIN... | none", parseCluster},
	{"search", "DOMAIN... | FILE", parseSearch},
	{"except", "NAME...", parseExcept},
	{"disable", "FIX...", parseDisable},
	{"ipv4only", "", switchOn(verdict.IPv4Only)},
	{"complete", "", switchOn(verdict.Complete)},
	{"absolute", "", switchOn(verdict.Absolute)},
	{"wildcard", "", switchOn(verdict.Wildcard)},
	{"dot", "", switchOn(verdict.Dot)},
	{"ttl", "SECONDS", parseTTL},
	{"report", "", parseReport},
	{"clients", "", parseClients},
}

// parse turns the muslsafe line and block of one server block into a config. Every error names the file, the
// line, the token and what is accepted.
func parse(c *caddy.Controller) (*config, error) {
	s := &settings{config: *newConfig(), given: make(map[string]bool), root: dnsserver.GetConfig(c).Root}
	c.Next() // "muslsafe"
	began := c.Line()
	if err := parseZones(s, c.RemainingArgs()); err != nil {
		return nil, c.Err(err.Error())
	}
	for c.NextBlock() {
		if isPlugin(c.Val()) {
			return nil, c.Err(unclosed(c.Val(), began))
		}
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
	list := make([]string, len(properties))
	for i, p := range properties {
		list[i] = p.name
	}
	return strings.Join(list, ", ")
}

// finish fills in the defaults. The keys are those of the server block.
func (s *settings) finish(keys []string) error {
	if s.cluster == nil {
		s.cluster = []names.Domain{names.DefaultCluster}
	}
	if s.search == nil {
		search, err := searchFile(defaultResolv)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("search list of the node: %w", err)
		}
		s.search, s.from = search, defaultResolv
	}
	var served []names.Domain
	for _, origin := range plugin.OriginsFromArgsOrServerBlock(nil, keys) {
		served = append(served, names.Domain(origin))
	}
	s.suffixes = names.New(s.cluster, s.search, served)
	for _, warning := range s.warnings() {
		log.Warning(warning)
	}
	return nil
}

func parseZones(s *settings, args []string) error {
	for _, arg := range args {
		if slices.ContainsFunc(properties, func(p property) bool { return p.name == arg }) {
			return fmt.Errorf("%q is a property, not a zone; expect it on a line of its own between { and }", arg)
		}
		origins := plugin.Host(arg).NormalizeExact() // a network, 10.0.0.0/8, becomes its reverse zones
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

func parseZone(origin string) (names.Domain, error) {
	if origin == "." {
		return ".", nil
	}
	return names.ParseDomain(origin)
}

// parseCluster reads a list of domains, or "none" for a server outside of Kubernetes. A cluster domain of that name is written
// with its final dot.
func parseCluster(s *settings, args []string) (err error) {
	if !slices.Contains(args, "none") {
		s.cluster, err = names.ParseDomains(args)
		return err
	}
	if len(args) > 1 {
		return errors.New(`"none" is among other arguments; expect cluster DOMAIN... | none`)
	}
	s.cluster = []names.Domain{} // not nil, which stands for the default
	return nil
}

// parseSearch reads a list of domains, or the file that has it. An argument with a slash is a file.
func parseSearch(s *settings, args []string) (err error) {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.Contains(arg, "/") })
	if i < 0 {
		s.from = "the Corefile"
		if info, err := os.Stat(filepath.Join(s.root, args[0])); err == nil && info.Mode().IsRegular() {
			return fmt.Errorf("%q is a file here, but looks like a domain; expect a slash in the name of a file, as in ./%s", args[0], args[0])
		}
		s.search, err = names.ParseDomains(args)
		return err
	}
	if len(args) > 1 {
		return fmt.Errorf("%q is a file and not the only argument; expect search DOMAIN... or search FILE", args[i])
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
	s.except, err = names.ParseDomains(args)
	return err
}

// parseDisable switches off fixes that are on by default; the others are off already.
func parseDisable(s *settings, args []string) error {
	on := verdict.ByDefault()
	for _, arg := range args {
		f := verdict.ParseFix(arg)
		if !on[f] {
			return fmt.Errorf("unknown fix %q; expect one of %s", arg, strings.Join(on.Names(), ", "))
		}
		if !s.fixes[f] {
			return fmt.Errorf("fix %q is disabled twice; expect it once", arg)
		}
		s.fixes[f] = false
	}
	return nil
}

// switchOn returns the parser of a property that switches a fix on.
func switchOn(f verdict.Fix) func(*settings, []string) error {
	return func(s *settings, _ []string) error {
		s.fixes[f] = true
		return nil
	}
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
