package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	all, err := corefiles(file, r)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "muslsafe-doctor-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l := &layout{dir: dir, manifest: file, entries: make(map[string]corefile)}
	for _, c := range all {
		if err := l.write(c); err != nil {
			return nil, err
		}
	}
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

// layout is a folder with the entries where a CoreDNS pod has them: Corefile, and custom/ for what it imports.
type layout struct {
	dir      string
	manifest string
	entries  map[string]corefile // by file
}

func (l *layout) write(c corefile) error {
	file := filepath.Join(l.dir, fmt.Sprintf("%d-Corefile", len(l.entries)))
	if c.key != "Corefile" {
		file = filepath.Join(l.dir, "custom", c.key)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	text := strings.ReplaceAll(c.text, "import /etc/coredns/", "import ") // where pods mount their ConfigMaps
	l.entries[file] = c
	return os.WriteFile(file, []byte(text), 0o600)
}

// check checks the Corefiles, and what none of them can have imported on its own.
func (l *layout) check(o Options) (all []Finding, err error) {
	var main, parts []string
	for file, c := range l.entries {
		if c.key == "Corefile" {
			main = append(main, file)
		} else {
			parts = append(parts, file)
		}
	}
	slices.Sort(main)
	slices.Sort(parts)
	if len(main) == 0 {
		main = parts
	}
	var errs []error
	for _, file := range main {
		found, err := l.checkFile(file, o)
		errs = append(errs, err)
		for _, f := range found {
			all = append(all, l.inManifest(f))
		}
	}
	return inOrder(all), errors.Join(errs...)
}

func (l *layout) checkFile(file string, o Options) ([]Finding, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	wrapped := string(text)
	if isOverride(file) {
		wrapped = ". { " + wrapped + "\n}" // on the same line, so that lines keep their numbers
	}
	found, err := Check(file, strings.NewReader(wrapped), o)
	if err != nil {
		c := l.entries[file]
		return nil, fmt.Errorf("%s: ConfigMap %s, %s: %s", l.manifest, c.configmap, c.key, strings.ReplaceAll(err.Error(), file+":", "line "))
	}
	if isOverride(file) {
		found = slices.DeleteFunc(found, func(f Finding) bool { return f.Rule == "muslsafe-missing" }) // the block is elsewhere
	}
	return found, nil
}

// inManifest says where a finding is in the manifest.
func (l *layout) inManifest(f Finding) Finding {
	c, ok := l.entries[f.File]
	switch {
	case !ok:
	case c.line > 0:
		f.File, f.Line = l.manifest, c.line+f.Line-1
	default:
		f.File = fmt.Sprintf("%s, ConfigMap %s, %s", l.manifest, c.configmap, c.key)
	}
	return f
}
