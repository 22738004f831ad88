// Coredns is CoreDNS with all its plugins and muslsafe.
//
// It takes the flags of CoreDNS and reads the same Corefiles. Where CoreDNS would start without configuration
// (no flag -conf, no Corefile in the working directory), it serves the quickstart example.
package main

import (
	"errors"
	"io/fs"
	"log"
	"os"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/core/plugin" // all plugins of CoreDNS
	"github.com/coredns/coredns/coremain"

	"github.com/muslsafe/coredns-muslsafe/build/chain"
	examples "github.com/muslsafe/coredns-muslsafe/corefile-examples"
	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
)

// version of muslsafe, set by the linker.
var version = "dev"

func main() {
	if err := chain.Install(); err != nil {
		log.Fatal(err)
	}
	caddy.AppVersion = coremain.CoreVersion + "+muslsafe-" + version
	caddy.SetDefaultCaddyfileLoader("default", caddy.LoaderFunc(loadCorefile))
	coremain.Run()
}

// loadCorefile returns the Corefile in the working directory, or else the one that is built in.
func loadCorefile(serverType string) (caddy.Input, error) {
	contents, err := os.ReadFile(caddy.DefaultConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return caddy.CaddyfileInput{Contents: examples.Quickstart, Filepath: "built-in Corefile", ServerTypeName: serverType}, nil
	}
	if err != nil {
		return nil, err
	}
	return caddy.CaddyfileInput{Contents: contents, Filepath: caddy.DefaultConfigFile, ServerTypeName: serverType}, nil
}
