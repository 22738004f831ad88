package scan

import (
	"bufio"
	"io"
	"strings"
)

// wanted are the packages of Alpine that matter here.
var wanted = map[string]bool{"musl": true, "c-ares": true}

// readPackages reads the database of installed packages: for each one a line with P: and its name, and one with V:.
// What follows a line that is too long is not read.
func readPackages(r io.Reader) map[string]string {
	versions, name, version := make(map[string]string), "", ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "":
			name, version = "", ""
		case strings.HasPrefix(line, "P:"):
			name = line[2:]
		case strings.HasPrefix(line, "V:"):
			version = line[2:]
		}
		if wanted[name] && version != "" {
			versions[name] = version
		}
	}
	return versions
}
