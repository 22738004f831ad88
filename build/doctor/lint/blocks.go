package lint

import (
	"io"
	"slices"
)

// A Block is what a server block says of muslsafe and of the names that it answers.
type Block struct {
	Zones    []string            // in lower case with a final dot; a network counts as all reverse names of its family
	Muslsafe map[string][]string // the properties of muslsafe with their arguments; nil without muslsafe
	Cluster  []string            // the zones of the plugin kubernetes that are not reverse names
	Forwards []string            // where forward goes to, as it is written
	Autopath bool
}

// Has reports whether a block has muslsafe with a property.
func (b Block) Has(property string) bool {
	_, ok := b.Muslsafe[property]
	return ok
}

// ConfigMapBlocks returns the server blocks of the Corefiles in manifests, with what they import.
func ConfigMapBlocks(file string, r io.Reader) ([]Block, error) {
	l, err := layOut(file, r)
	if err != nil {
		return nil, err
	}
	defer l.remove()
	var all []Block
	for _, root := range l.roots() {
		text, err := l.text(root)
		if err != nil {
			return nil, err
		}
		c, err := read(root, text)
		if err != nil {
			return nil, l.named(root, err)
		}
		for _, b := range c.blocks {
			all = append(all, b.export())
		}
	}
	return all, nil
}

func (b *block) export() Block {
	e := Block{Zones: b.zones, Autopath: len(b.all("autopath")) > 0}
	for _, u := range b.all("kubernetes") {
		for _, zone := range u.args {
			if zone = normal(zone); !isReverse(zone) {
				e.Cluster = append(e.Cluster, zone)
			}
		}
	}
	for _, u := range b.all("forward") {
		e.Forwards = slices.Concat(e.Forwards, u.args[min(1, len(u.args)):])
	}
	if m := b.muslsafe(); m != nil {
		e.Muslsafe = make(map[string][]string)
		for _, p := range m.properties {
			e.Muslsafe[p.name] = append(e.Muslsafe[p.name], p.args...)
		}
	}
	return e
}
