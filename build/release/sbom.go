package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// settleSBOM copies a CycloneDX document. The serial number, which tools draw at random, becomes one that follows from the
// rest of the document, and the time of the scan becomes the given date. Scanned files lose the folder that they were in. So the
// same contents give the same document.
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
	metadata["timestamp"] = date.Format(time.RFC3339)
	delete(document, "serialNumber")
	former := settleFiles(document["components"])
	text, err := json.Marshal(document) // which sorts the keys
	if err != nil {
		return err
	}
	for _, ref := range former {
		if bytes.Contains(text, []byte(strconv.Quote(ref))) {
			return fmt.Errorf("the document refers to %q, a file whose reference depends on its folder", ref)
		}
	}
	document["serialNumber"] = uuid.NewSHA1(uuid.Nil, text).URN()
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// settleFiles leaves the folder out of the names of files among the components. It replaces their references, which syft makes
// from that folder, and returns the former ones.
func settleFiles(components any) (former []string) {
	list, _ := components.([]any)
	for _, c := range list {
		component, _ := c.(map[string]any)
		path, _ := component["name"].(string)
		if component["type"] != "file" || !filepath.IsAbs(path) {
			continue
		}
		ref, _ := component["bom-ref"].(string)
		former = append(former, ref)
		component["name"] = filepath.Base(path)
		component["bom-ref"] = "file:" + filepath.Base(path)
	}
	return former
}
