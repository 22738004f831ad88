package lint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// layout is a folder with the entries where a CoreDNS pod has them: Corefile, and custom/ for what it imports.
type layout struct {
	dir      string
	manifest string
	entries  map[string]corefile // by file
}

// layOut writes the entries of all ConfigMaps of a file into a new folder. The caller removes it.
func layOut(file string, r io.Reader) (*layout, error) {
	all, err := corefiles(file, r)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "muslsafe-doctor-")
	if err != nil {
		return nil, err
	}
	l := &layout{dir: dir, manifest: file, entries: make(map[string]corefile)}
	for _, c := range all {
		if err := l.write(c); err != nil {
			l.remove()
			return nil, err
		}
	}
	return l, nil
}

func (l *layout) remove() { _ = os.RemoveAll(l.dir) } // a folder left in /tmp harms nobody

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
	var errs []error
	for _, file := range l.roots() {
		found, err := l.checkFile(file, o)
		errs = append(errs, err)
		for _, f := range found {
			all = append(all, l.inManifest(f))
		}
	}
	return inOrder(all), errors.Join(errs...)
}

// roots returns the files that no other one imports, in order: the Corefiles, or without any, the parts.
func (l *layout) roots() []string {
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
		return parts
	}
	return main
}

// text returns a file as a whole Corefile.
func (l *layout) text(file string) (io.Reader, error) {
	text, err := os.ReadFile(file)
	if isOverride(file) {
		return strings.NewReader(". { " + string(text) + "\n}"), err // on the same line, so that lines keep their numbers
	}
	return strings.NewReader(string(text)), err
}

// named says where an error is in the manifest.
func (l *layout) named(file string, err error) error {
	c := l.entries[file]
	return fmt.Errorf("%s: ConfigMap %s, %s: %s", l.manifest, c.configmap, c.key, strings.ReplaceAll(err.Error(), file+":", "line "))
}

func (l *layout) checkFile(file string, o Options) ([]Finding, error) {
	text, err := l.text(file)
	if err != nil {
		return nil, err
	}
	found, err := Check(file, text, o)
	if err != nil {
		return nil, l.named(file, err)
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
