package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// settleSBOM copies a CycloneDX document. The serial number, which tools draw at random, becomes one that follows from the
// rest of the document, and the time of the scan becomes the given date. So the same contents give the same document. It is an
// error if the document tells in which folder the file was.
func settleSBOM(in io.Reader, out io.Writer, date time.Time) error {
	var document map[string]any
	d := json.NewDecoder(in)
	d.UseNumber() // as it stands: a float could lose digits
	if err := d.Decode(&document); err != nil {
		return fmt.Errorf("expect a CycloneDX document in JSON: %w", err)
	}
	metadata, ok := document["metadata"].(map[string]any)
	if document["bomFormat"] != "CycloneDX" || !ok {
		return errors.New("expect a CycloneDX document in JSON with metadata")
	}
	if folder := absolute(document["components"]); folder != "" {
		return fmt.Errorf("component %q has the name of a folder of this machine; expect a scan by the name of the file alone", folder)
	}
	metadata["timestamp"] = date.Format(time.RFC3339)
	delete(document, "serialNumber")
	text, err := json.Marshal(document) // which sorts the keys
	if err != nil {
		return err
	}
	document["serialNumber"] = uuid.NewSHA1(uuid.Nil, text).URN()
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// absolute returns the name of a component that is an absolute path, if there is one.
func absolute(components any) string {
	list, _ := components.([]any)
	for _, c := range list {
		component, _ := c.(map[string]any)
		if name, _ := component["name"].(string); filepath.IsAbs(name) {
			return name
		}
	}
	return ""
}
