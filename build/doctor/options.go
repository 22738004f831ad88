package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// options are the flags, of all commands together.
type options struct {
	json  bool
	color string

	resolvConf string
	servers    []string
	search     []string
	ndots      int
	timeout    time.Duration

	libc     string
	nodeConf string
}

// screenFlags say how to write results.
func (o *options) screenFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "write JSON")
	f.StringVar(&o.color, "color", "auto", "colours: auto, always or never")
}

// searchFlag gives a search list.
func (o *options) searchFlag(f *pflag.FlagSet, usage string) {
	f.StringSliceVar(&o.search, "search", nil, usage)
}

// lookupFlags say how names are looked up.
func (o *options) lookupFlags(f *pflag.FlagSet) {
	f.StringVar(&o.resolvConf, "resolv-conf", "/etc/resolv.conf", "`FILE` with the name servers, the search list and the options")
	f.StringSliceVar(&o.servers, "server", nil, "`ADDR[:PORT]` of the name server to ask, in place of those in the file; up to 3")
	o.searchFlag(f, "search list, in place of the one in the file: `DOMAIN,...`; \"\" for none")
	f.IntVar(&o.ndots, "ndots", -1, "ndots, in place of the one in the file")
	f.Lookup("ndots").DefValue = "0" // which pflag does not show
	f.DurationVar(&o.timeout, "timeout", 3*time.Second, "after which a question counts as never answered")
}

// prepare checks what all commands share.
func (o *options) prepare(cmd *cobra.Command) error {
	switch o.color {
	case "auto", "always", "never":
	default:
		return fmt.Errorf("invalid color %q; expect auto, always or never", o.color)
	}
	if o.color == "always" || o.color == "auto" && isTerminal(cmd.OutOrStdout()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		text.EnableColors()
	} else {
		text.DisableColors()
	}
	return nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// doctor reads the resolv.conf and applies the flags to it.
func (o *options) doctor(cmd *cobra.Command) (*diagnosis.Doctor, error) {
	if o.timeout < 100*time.Millisecond || o.timeout > time.Minute {
		return nil, fmt.Errorf("invalid timeout %v; expect 100ms to 1m", o.timeout)
	}
	if len(o.servers) > 3 {
		return nil, fmt.Errorf("%d servers; expect up to 3, as the libcs read no more", len(o.servers))
	}
	s := diagnosis.Settings{Servers: o.servers, Ndots: -1}
	if cmd.Flags().Changed("search") {
		s.Search = append([]string{}, o.search...)
	}
	if cmd.Flags().Changed("ndots") {
		if s.Ndots = o.ndots; o.ndots < 0 || o.ndots > 15 {
			return nil, fmt.Errorf("invalid ndots %d; expect 0 to 15", o.ndots)
		}
	}
	conf, err := readConf(o.resolvConf)
	if errors.Is(err, os.ErrNotExist) && o.servers != nil && !cmd.Flags().Changed("resolv-conf") {
		err = nil // a laptop need not have one
	}
	if err != nil {
		return nil, fmt.Errorf("%w; expect a resolv.conf, by --resolv-conf FILE", err)
	}
	full, ports, err := s.Apply(string(conf))
	if err != nil {
		return nil, err
	}
	return diagnosis.New(full, ports, o.timeout)
}

// maxConf is how large a resolv.conf may be, in octets. No libc reads as much.
const maxConf = 1 << 20

func readConf(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	conf, err := io.ReadAll(io.LimitReader(f, maxConf+1))
	switch {
	case err != nil:
		return nil, err
	case len(conf) > maxConf:
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	case isBinary(conf):
		return nil, fmt.Errorf("%s is not text", name)
	}
	return conf, nil
}

// progress writes a line on a terminal until stop is called, as soon as a second is over; on anything else, nothing.
func progress(w io.Writer, line func() string) (stop func()) {
	if !isTerminal(w) {
		return func() {}
	}
	end, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			select {
			case <-time.After(time.Second):
				fmt.Fprintf(w, "\r\x1b[K%s", line())
			case <-end:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}
