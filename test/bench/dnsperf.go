package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// perf is a run of dnsperf: queries from a file for some seconds, or each once.
type perf struct {
	file    string
	seconds int // 0: each query of the file once
	rcode   int // what all answers must say
}

// outstanding queries of dnsperf, its default.
const outstanding = 100

var (
	sentLine   = regexp.MustCompile(`Queries sent: +(\d+)`)
	speedLine  = regexp.MustCompile(`Queries per second: +([\d.]+)`)
	rcodesLine = regexp.MustCompile(`Response codes: +(.*)`)
)

// run measures a server: answers per second, its processor time and the leaks that it sends upstream per answer, and the
// share of queries whose answer is missing or has another return code than the right one.
func (p perf) run(b *bench, server *process) (figures, error) {
	args := []string{"-s", "127.0.0.1", "-p", strconv.Itoa(server.port), "-d", p.file, "-q", strconv.Itoa(outstanding), "-c", "8", "-T", "1", "-t", "2"}
	if p.seconds > 0 {
		args = append(args, "-l", strconv.Itoa(p.seconds))
	} else {
		args = append(args, "-n", "1", "-l", "300") // the time bounds what gives no answers
	}
	var out []byte
	used, err := b.watch(server, func() error {
		var err error
		if out, err = exec.Command(b.programs["dnsperf"], args...).CombinedOutput(); err != nil {
			return fmt.Errorf("dnsperf: %w:\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.read(string(out), used)
}

// read takes the figures from what dnsperf says at its end.
func (p perf) read(out string, used usage) (figures, error) {
	sent, err1 := number(sentLine, out)
	perSecond, err2 := number(speedLine, out)
	if err1 != nil || err2 != nil || sent == 0 {
		return nil, fmt.Errorf("dnsperf said:\n%s", out)
	}
	right := 0.0
	if m := rcodesLine.FindStringSubmatch(out); m != nil {
		for part := range strings.SplitSeq(m[1], ",") {
			if f := strings.Fields(part); len(f) >= 2 && f[0] == dns.RcodeToString[p.rcode] {
				right, _ = strconv.ParseFloat(f[1], 64) // dnsperf writes a number there
			}
		}
	}
	return figures{
		"perSecond": perSecond, "cpu": used.cpu.Seconds() * 1e6 / sent, "leaked": float64(used.leaked) / sent, "wrong": 1 - right/sent,
	}, nil
}

func number(line *regexp.Regexp, text string) (float64, error) {
	m := line.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no %q", line)
	}
	return strconv.ParseFloat(m[1], 64)
}

// questions writes a file for dnsperf: a number of names, each asked for in one type after the other.
func (b *bench) questions(file string, count int, name func(n int) string, types ...string) (string, error) {
	var text strings.Builder
	for n := range count {
		for _, qtype := range types {
			fmt.Fprintf(&text, "%s %s\n", name(n), qtype)
		}
	}
	path := filepath.Join(b.dir, file)
	return path, os.WriteFile(path, []byte(text.String()), 0o644)
}
