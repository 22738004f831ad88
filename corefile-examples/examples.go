// Package examples holds the Corefile examples, each in a folder named for the need it serves: a Corefile that
// works as it stands, and cases.txt, the answers that it gives (see test/examples).
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
