package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
)

// memoryLimit is from where on memory is freed at once. What is kept is bounded, and takes less.
const memoryLimit = 160 << 20

// captureFlags are those of "doctor capture" alone.
type captureFlags struct {
	names   []string
	clients []string
	ports   []uint
}

// How many lookups are kept for a trace.
const (
	tracesAsText = 10
	tracesAsJSON = 10_000
)

func captureCommand(o *options) *cobra.Command {
	var f captureFlags
	c := &cobra.Command{
		Use:   "capture FILE|-",
		Short: "Find the lookups that broke in a packet capture, and why",
		Long: `Capture reads packets: pcap or pcapng, as tcpdump and Inspektor Gadget write them, or dnstap, as the dnstap plugin of
CoreDNS sends it with "full"; also compressed with gzip. It makes lookups of them, tells from the traffic which resolver
asked, and replays each lookup through the models of the libcs: what this libc made of the answers, what the others would
have, which hazard is behind it, and what muslsafe would have answered. It reports by hazard, by name and by client, the
slowest first. A capture of any size takes less than 200 MB of memory.

The search list of clients is learnt from their traffic, unless --search gives it. With --name or --client, capture shows the
lookups of these names, by these clients, step by step. Record close to the clients: behind a forwarder, or behind NAT, it cannot
be seen who asks.

The exit status is 0 if nothing breaks, 1 if a lookup broke or would have on another libc, and 2 if the capture cannot be read
or has no lookups.`,
		Example: `  doctor capture dns.pcap                                 what broke, for whom, and why
  doctor capture dns.pcap --name www.example.org          the lookups of one name, step by step
  doctor capture dns.pcap --client 10.244.1.7 --json
  tcpdump -i any -U -w - port 53 | doctor capture -       live; Ctrl-C ends it and shows the report`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return readCapture(cmd, o, &f, args[0]) },
	}
	c.Flags().StringSliceVar(&f.names, "name", nil, "show the lookups of `NAME`, step by step")
	c.Flags().StringSliceVar(&f.clients, "client", nil, "show the lookups of the client with this `ADDR`")
	c.Flags().UintSliceVar(&f.ports, "port", []uint{53}, "`PORT` of the DNS servers")
	o.searchFlag(c.Flags(), "search list of the clients, in place of what their traffic shows: `DOMAIN,...`; \"\" for none")
	c.Flags().IntVar(&o.ndots, "ndots", -1, "ndots of the clients, in place of what their traffic shows")
	c.Flags().Lookup("ndots").DefValue = "0" // which pflag does not show
	for _, flag := range []string{"name", "client", "port", "search", "ndots"} {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
	return c
}

// options checks the flags.
func (f *captureFlags) options(cmd *cobra.Command, o *options) (capture.Options, error) {
	c := capture.Options{Ndots: -1, Keep: tracesAsText}
	if o.json {
		c.Keep = tracesAsJSON
	}
	for _, name := range f.names {
		c.Names = append(c.Names, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	for _, text := range f.clients {
		client, err := netip.ParseAddr(text)
		if err != nil {
			return c, fmt.Errorf("invalid client %q; expect an IP address", text)
		}
		c.Clients = append(c.Clients, client.Unmap())
	}
	for _, port := range f.ports {
		if port < 1 || port > 65535 {
			return c, fmt.Errorf("invalid port %d; expect 1 to 65535", port)
		}
		c.Ports = append(c.Ports, uint16(port))
	}
	if cmd.Flags().Changed("ndots") {
		if c.Ndots = o.ndots; o.ndots < 0 || o.ndots > 15 {
			return c, fmt.Errorf("invalid ndots %d; expect 0 to 15", o.ndots)
		}
	}
	if cmd.Flags().Changed("search") {
		c.Search = []string{} // which may stay empty
	}
	for _, domain := range o.search {
		c.Search = append(c.Search, strings.ToLower(strings.TrimSuffix(domain, ".")))
	}
	return c, nil
}

func readCapture(cmd *cobra.Command, o *options, f *captureFlags, file string) error {
	options, err := f.options(cmd, o)
	if err != nil {
		return err
	}
	in, size, err := openLog(cmd.InOrStdin(), file)
	if err != nil {
		return err
	}
	defer in.Close()
	if file == "-" {
		file = "standard input"
		defer firstInterruptEndsInput()()
	}
	debug.SetMemoryLimit(memoryLimit)
	a, err := capture.New(in, options)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	began := time.Now()
	stop := progress(cmd.ErrOrStderr(), func() string { return captureSoFar(a.Done(), size, time.Since(began)) })
	r, err := a.Read()
	stop()
	if err != nil && r.Lookups == 0 {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "doctor: %s: %v; this is what was read before\n", file, err)
	}
	if err := nothingIn(file, f, r); err != nil {
		return err
	}
	w := captureWriter{Report: r, only: len(f.names)+len(f.clients) > 0, octets: a.Done(), took: time.Since(began)}
	if err := w.write(cmd.OutOrStdout(), o.json); err != nil {
		return err
	}
	return w.status()
}

func (w *captureWriter) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return encode(out, w.toJSON())
	}
	_, err := io.WriteString(out, w.text())
	return err
}

// captureSoFar is a bar for a file, and how much was read for a pipe.
func captureSoFar(done, size int64, took time.Duration) string {
	if size == 0 {
		return readSoFar(done, size, took)
	}
	return bar(done, size) + " " + readSoFar(done, size, took)
}

// firstInterruptEndsInput lets the first Ctrl-C end only the program in front of the pipe, and with it the input.
func firstInterruptEndsInput() (stop func()) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		signal.Stop(interrupts)
	}()
	return func() { signal.Stop(interrupts) }
}

// nothingIn says why there is nothing to judge.
func nothingIn(file string, f *captureFlags, r *capture.Report) error {
	c := r.Counts
	switch {
	case r.Lookups > 0 && len(f.names)+len(f.clients) > 0 && len(r.Traces) == 0:
		return fmt.Errorf("%s has no lookups%s%s", file, anyOf(" of ", f.names), anyOf(" by ", f.clients))
	case r.Lookups > 0:
		return nil
	case c.Bare > 0:
		return fmt.Errorf("%s has no DNS messages in %s of dnstap; expect what the dnstap plugin of CoreDNS sends with \"full\"", file, count(int(c.Bare), "message", "messages"))
	case r.Partial > 0:
		return fmt.Errorf("%s has the replies to all lookups in part only; expect whole packets (tcpdump -s 0)", file)
	case r.Unfinished > 0:
		return fmt.Errorf("%s ends before any lookup does; expect some seconds more", file)
	}
	return fmt.Errorf("%s has no lookups of addresses in %s packets, %s of them DNS; expect what clients and DNS servers say to each other, on port 53 or --port",
		file, humanize.Comma(c.Packets), humanize.Comma(c.Messages))
}

func anyOf(before string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return before + strings.Join(words, " or ")
}

// status is 1 if something goes wrong in what is shown.
func (w *captureWriter) status() error {
	if !w.only && len(w.Hazards) > 0 {
		return status(hazards)
	}
	for _, t := range w.Traces {
		if w.only && len(t.Causes) > 0 {
			return status(hazards)
		}
	}
	return nil
}
