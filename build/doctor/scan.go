package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/scan"
)

const scanAbout = `Scan finds out which resolver looks names up for a program, and what can go wrong with it: musl with its version, glibc,
Go with its own, c-ares, or none. PATH is a program, a folder, or an image as an archive (docker save, an OCI layout, a
root file system; with gzip or without; - for standard input). An OCI layout may be a folder too. Nothing is started.

The version comes from the dynamic loader of the program, which is looked for in the same folder or image, and, for a
folder or a program, in the folders above it. Else it comes from Alpine's package database, or from what only some
versions have: then it is a guess and called so.

The exit status is 0 if no program has the resolver of musl, 1 if one has, and 2 if it could not be told: no program was
found, or some of them could not be read or have a resolver that is not known.`

const scanExamples = `  doctor scan /usr/bin/curl
  docker save example.org/app:1 | doctor scan -
  doctor scan --all rootfs/ app.tar.gz
  doctor scan --pid 4711,4712`

func scanCommand(o *options) *cobra.Command {
	var pids []int
	var all bool
	c := &cobra.Command{
		Use:     "scan PATH...",
		Short:   "Tell which resolver is inside of programs, images and processes",
		Long:    scanAbout,
		Example: scanExamples,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 && len(pids) == 0 {
				return errors.New("nothing to scan; expect a program, a folder or an image, - for standard input, or --pid")
			}
			return scanAll(cmd, o, paths, pids, all)
		},
	}
	c.Flags().IntSliceVar(&pids, "pid", nil, "running processes to scan: `PID,...`")
	c.Flags().BoolVar(&all, "all", false, "show each program by itself")
	return c
}

// scanAll scans one after the other. What cannot be scanned does not keep the rest from being scanned.
func scanAll(cmd *cobra.Command, o *options, paths []string, pids []int, all bool) error {
	var s scan.Scanner
	began := time.Now()
	stop := progress(cmd.ErrOrStderr(), func() string { return scannedSoFar(&s, time.Since(began)) })
	var reports []*scan.Report
	var errs []error
	keep := func(found []*scan.Report, err error) {
		reports = append(reports, found...)
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, path := range paths {
		if path == "-" {
			keep(s.Stream("standard input", cmd.InOrStdin()))
			continue
		}
		keep(s.Path(path))
	}
	for _, pid := range pids {
		r, err := s.Process(pid)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		reports = append(reports, r)
	}
	stop()
	for _, err := range errs {
		fmt.Fprintln(cmd.ErrOrStderr(), "doctor:", err)
	}
	if err := writeScan(cmd.OutOrStdout(), o, reports, all); err != nil {
		return err
	}
	if s := scanStatus(reports, len(errs)); s != healthy {
		return status(s)
	}
	return nil
}

func scannedSoFar(s *scan.Scanner, took time.Duration) string {
	text := english.Plural(int(s.Files.Load()), "file", "")
	if n := s.Bytes.Load(); n > 0 {
		text += fmt.Sprintf(", %s, %s/s", humanize.Bytes(uint64(n)), humanize.Bytes(uint64(float64(n)/took.Seconds())))
	}
	return text
}

// scanCount is how many programs there are of each sort.
type scanCount struct {
	Programs   int `json:"programs"`
	AtRisk     int `json:"atRisk"`
	Unknown    int `json:"unknown"`
	Unreadable int `json:"unreadable"` // files
}

func countScan(reports []*scan.Report) (c scanCount) {
	for _, r := range reports {
		c.Programs += len(r.Programs)
		c.Unreadable += len(r.Unreadable)
		for _, p := range r.Programs {
			if p.AtRisk {
				c.AtRisk++
			}
			if p.Resolver == scan.Unknown {
				c.Unknown++
			}
		}
	}
	return c
}

// scanStatus is the exit status, after so many paths that could not be scanned at all.
func scanStatus(reports []*scan.Report, failed int) int {
	switch c := countScan(reports); {
	case c.AtRisk > 0:
		return hazards
	case failed > 0 || c.Programs == 0 || c.Unknown > 0 || c.Unreadable > 0:
		return unclear
	}
	return healthy
}

func writeScan(w io.Writer, o *options, reports []*scan.Report, all bool) error {
	c := countScan(reports)
	if o.json {
		if reports == nil {
			reports = []*scan.Report{}
		}
		return encode(w, struct {
			Reports []*scan.Report `json:"reports"`
			Count   scanCount      `json:"count"`
		}{reports, c})
	}
	if len(reports) == 0 {
		return nil
	}
	var b strings.Builder
	for _, r := range scanTogether(reports) {
		b.WriteString(scanReport(r, all) + "\n")
	}
	b.WriteString(scanLegend(reports) + scanSummary(c))
	_, err := io.WriteString(w, b.String())
	return err
}

// scanTogether puts the programs that were given by their paths into one table.
func scanTogether(reports []*scan.Report) (list []*scan.Report) {
	var programs *scan.Report
	for _, r := range reports {
		switch {
		case !r.Alone:
			list = append(list, r)
		case programs == nil:
			copied := *r
			programs, list = &copied, append(list, &copied)
		default:
			programs.Programs = append(programs.Programs, r.Programs...)
		}
	}
	return list
}
