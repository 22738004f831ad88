package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// notes prints the section of a version, such as v0.1.0, of a changelog in the form of Keep a Changelog, without its heading.
// It is an error if there is no such section or if it is empty, so that no release goes out without notes.
func notes(changelog io.Reader, out io.Writer, version string) error {
	heading := "## [" + strings.TrimPrefix(version, "v") + "]"
	var section strings.Builder
	inside := false
	lines := bufio.NewScanner(changelog)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "## ") {
			inside = strings.HasPrefix(line, heading)
			continue
		}
		if inside {
			section.WriteString(line + "\n")
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	text := strings.TrimSpace(section.String())
	if text == "" {
		return fmt.Errorf("the changelog has no text for %q; expect a section that begins with %q", version, heading)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
