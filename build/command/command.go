// Package command has what the servers in build have in common: CoreDNS with muslsafe in its chain. Each of them chooses the
// other plugins.
package command

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"log"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/coremain"
	_ "golang.org/x/crypto/x509roots/fallback" // certificates for DNS over TLS, in an image without any

	"github.com/muslsafe/coredns-muslsafe/build/chain"
	examples "github.com/muslsafe/coredns-muslsafe/corefile-examples"
	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
)

// Run runs CoreDNS and returns when it ends. The version is that of muslsafe.
//
// It takes the flags of CoreDNS and reads the same Corefiles. If CoreDNS would start without configuration (no flag -conf, no
// Corefile in the working directory), it serves the quickstart example.
func Run(version string) {
	if err := chain.Install(); err != nil {
		log.Fatal(err)
	}
	raise()
	caddy.AppVersion = coremain.CoreVersion + "+muslsafe-" + version
	caddy.SetDefaultCaddyfileLoader("default", caddy.LoaderFunc(loadCorefile))
	coremain.Run()
}

// loadCorefile returns the Corefile in the working directory, or else the one that is built in.
func loadCorefile(serverType string) (caddy.Input, error) {
	contents, err := os.ReadFile(caddy.DefaultConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return caddy.CaddyfileInput{Contents: builtIn(), Filepath: "built-in Corefile", ServerTypeName: serverType}, nil
	}
	if err != nil {
		return nil, err
	}
	return caddy.CaddyfileInput{Contents: contents, Filepath: caddy.DefaultConfigFile, ServerTypeName: serverType}, nil
}

// builtIn returns the quickstart example, on the port of the flag -p or -dns.port if it is given.
func builtIn() []byte {
	corefile := examples.Quickstart
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "p" || f.Name == "dns.port" {
			corefile = bytes.ReplaceAll(examples.Quickstart, []byte(":1053"), []byte(":"+f.Value.String()))
		}
	})
	return corefile
}
