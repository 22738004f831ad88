package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// corefile is one entry of a ConfigMap.
type corefile struct {
	configmap string
	key       string
	text      string
	line      int // of the manifest on which its first line stands, 0 if the lines are not those of the text
}

// manifest is what is read of an object, or of a list of them.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]yaml.Node
	Items    []manifest
}

// CheckConfigMaps checks the Corefiles in manifests: entries called Corefile, and those of other ConfigMaps that
// they import.
func CheckConfigMaps(file string, r io.Reader, o Options) ([]Finding, error) {
	l, err := layOut(file, r)
	if err != nil {
		return nil, err
	}
	defer l.remove()
	return l.check(o)
}

// corefiles returns the entries of all ConfigMaps of a file that look like parts of a Corefile.
func corefiles(file string, r io.Reader) (all []corefile, err error) {
	d := yaml.NewDecoder(r)
	for {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range append(m.Items, m) {
			if m.Kind == "ConfigMap" {
				all = append(all, m.corefiles()...)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no ConfigMap with a Corefile; expect an entry Corefile, or entries whose names end in .server or .override", file)
	}
	return all, nil
}

func (m manifest) corefiles() (all []corefile) {
	for key, node := range m.Data {
		if key != "Corefile" && !isServer(key) && !isOverride(key) {
			continue
		}
		c := corefile{configmap: m.Metadata.Name, key: key, text: node.Value}
		if node.Style&yaml.LiteralStyle != 0 {
			c.line = node.Line + 1
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b corefile) int { return cmp.Compare(a.key, b.key) })
	return all
}

func isServer(key string) bool   { return strings.HasSuffix(key, ".server") }
func isOverride(key string) bool { return strings.HasSuffix(key, ".override") }
