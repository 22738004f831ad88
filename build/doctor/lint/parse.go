package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
)

// config is a whole Corefile.
type config struct {
	blocks  []*block
	cluster []string // cluster domains, in lower case with a final dot
	search  []string // search domains of the nodes, likewise
	servers []string // of the nodes
}

// block is a server block.
type block struct {
	keys    []string
	zones   []string // in lower case with a final dot; for a network, all reverse names of its family
	ports   []string
	file    string // where it begins
	line    int
	plugins []use // by name; those of one name in the order of the Corefile
}

// use is one plugin in a server block, with its arguments and properties.
type use struct {
	name       string
	args       []string
	properties []property
	file       string
	line       int
}

type property struct {
	name string
	args []string
}

// read reads a Corefile with the parser of CoreDNS, which replaces environment variables and follows imports.
func read(file string, r io.Reader) (*config, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	parsed, err := caddyfile.Parse(file, bytes.NewReader(text), nil)
	if err != nil {
		return nil, err
	}
	c := new(config)
	p := &places{main: file, found: make(map[string][]place)}
	p.index(file, text)
	for _, sb := range parsed {
		b, err := newBlock(file, sb, p)
		if err != nil {
			return nil, err
		}
		c.blocks = append(c.blocks, b)
	}
	if len(c.blocks) == 0 {
		return nil, fmt.Errorf("%s has no server block", file)
	}
	return c, nil
}

func newBlock(file string, sb caddyfile.ServerBlock, p *places) (*block, error) {
	b := &block{keys: sb.Keys}
	for _, key := range sb.Keys {
		zone, port, ok := splitKey(key)
		if !ok {
			return nil, fmt.Errorf("%s: invalid server block key %q; expect ZONE or ZONE:PORT", file, key)
		}
		b.zones = append(b.zones, zone)
		b.ports = append(b.ports, port)
	}
	for _, name := range slices.Sorted(maps.Keys(sb.Tokens)) {
		b.plugins = append(b.plugins, uses(file, name, sb.Tokens[name])...)
	}
	b.file, b.line = p.of(b)
	return b, nil
}

// uses splits the tokens of a plugin, which may stand in a block more than once.
func uses(file, name string, tokens []caddyfile.Token) (all []use) {
	d := caddyfile.NewDispenserTokens(file, tokens)
	for d.Next() {
		u := use{name: name, args: nil, file: d.File(), line: d.Line()}
		u.args = d.RemainingArgs()
		for d.NextBlock() {
			p := property{name: d.Val()}
			p.args = d.RemainingArgs()
			u.properties = append(u.properties, p)
		}
		if u.file == "" {
			u.file = file
		}
		all = append(all, u)
	}
	return all
}

// places finds where server blocks begin, which the parser does not say. It reads with the parser's own lexer.
type places struct {
	main  string
	found map[string][]place // by key
	read  []string           // imported files
}

type place struct {
	file string
	line int
}

// index notes all tokens outside of braces.
func (p *places) index(file string, text []byte) {
	d := caddyfile.NewDispenser(file, bytes.NewReader(text))
	for depth := 0; d.Next(); {
		switch token := strings.TrimSuffix(d.Val(), ","); {
		case token == "{":
			depth++
		case token == "}":
			depth--
		case depth == 0:
			p.found[token] = append(p.found[token], place{file, d.Line()})
		}
	}
}

// of returns where a block begins: at its first key, or where that comes out of an environment variable, at its
// first plugin.
func (p *places) of(b *block) (file string, line int) {
	for _, u := range b.plugins {
		if u.file != p.main && !slices.Contains(p.read, u.file) {
			p.read = append(p.read, u.file)
			if text, err := os.ReadFile(u.file); err == nil {
				p.index(u.file, text)
			}
		}
	}
	if at := p.found[b.keys[0]]; len(at) > 0 {
		p.found[b.keys[0]] = at[1:]
		return at[0].file, at[0].line
	}
	if len(b.plugins) == 0 {
		return p.main, 1
	}
	first := slices.MinFunc(b.plugins, func(x, y use) int { return cmp.Compare(x.line, y.line) })
	return first.file, first.line
}
