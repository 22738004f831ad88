// Package examples has the Corefile examples. Each folder is named after the need it serves and has a Corefile that works
// unchanged, and cases.txt, the answers that it gives (see test/examples).
package examples

import _ "embed"

// Upstream is the Corefile that the image serves when none is mounted. It must not be modified.
//
//go:embed upstream/Corefile
var Upstream []byte

// Quickstart is the Corefile that the binary serves when it is given none. It must not be modified.
//
//go:embed quickstart/Corefile
var Quickstart []byte
