// Coredns is CoreDNS with all its plugins and muslsafe.
package main

import (
	_ "github.com/coredns/coredns/core/plugin" // all plugins of CoreDNS

	"github.com/muslsafe/coredns-muslsafe/build/command"
)

// version of muslsafe, set by the linker.
var version = "dev"

func main() { command.Run(version) }
