package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// goBenchmarks runs the benchmarks of the plugin itself.
func (b *bench) goBenchmarks([]peer) error {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "0.3s", "-count", strconv.Itoa(b.scale.rounds), plugin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w:\n%s", cmd, err, out)
	}
	for line := range strings.Lines(string(out)) {
		if name, f, ok := benchmarkLine(line); ok {
			b.results.add("go", name, "", f)
		}
	}
	if len(b.results.of("go")) == 0 {
		return fmt.Errorf("%s: no benchmarks:\n%s", cmd, out)
	}
	return nil
}

// benchmarkLine reads "BenchmarkServeDNS/leak/with-2  300000  1096 ns/op  392 B/op  7 allocs/op".
func benchmarkLine(line string) (name string, f figures, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", nil, false
	}
	name = strings.TrimPrefix(fields[0], "Benchmark")
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		name = name[:at] // the number of processors
	}
	f = make(figures)
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", nil, false
		}
		f[fields[i+1]] = v
	}
	return name, f, true
}
