package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// facts states the machine and the versions.
func (b *bench) facts() ([]fact, error) {
	facts := []fact{
		{"date", time.Now().UTC().Format(time.DateOnly)},
		{"processor", fmt.Sprintf("%d × %s", runtime.NumCPU(), entry("/proc/cpuinfo", "model name"))},
		{"memory", entry("/proc/meminfo", "MemTotal")},
		{"kernel", entry("/proc/sys/kernel/osrelease", "")},
		{"load average before", strings.Join(strings.Fields(entry("/proc/loadavg", ""))[:3], " ")},
		{"rounds", fmt.Sprint(b.scale.rounds)},
		{"network", network()},
		{"Go", strings.TrimPrefix(runtime.Version(), "go")},
	}
	versions := []struct{ program, flag, pattern string }{
		{"coredns", "-version", `CoreDNS-(\S+)`},
		{"stock", "-version", `CoreDNS-(\S+)`},
		{"unbound", "-V", `Version (\S+)`},
		{"dnsmasq", "--version", `version (\S+)`},
		{"dnsperf", "-h", `(?m)^Version (\S+)|DNS Performance Testing Tool\s+Version (\S+)`},
	}
	names := map[string]string{"coredns": "CoreDNS with muslsafe", "stock": "stock CoreDNS"}
	for _, v := range versions {
		file := b.programs[v.program]
		if file == "" {
			continue // not chosen
		}
		out, _ := exec.Command(file, v.flag).CombinedOutput() // some fail when asked
		m := regexp.MustCompile(v.pattern).FindStringSubmatch(string(out))
		if m == nil {
			return nil, fmt.Errorf("%s %s says no version:\n%s", v.program, v.flag, out)
		}
		name := v.program
		if names[name] != "" {
			name = names[name]
		}
		facts = append(facts, fact{name, strings.Join(m[1:], "")})
	}
	return facts, nil
}

// network says whose network the servers and the load are in.
func network() string {
	if err := lab.Outside(); err != nil {
		return fmt.Sprintf("that of the machine, as there can be no namespace: %v", err)
	}
	return "a namespace of its own"
}

// entry returns the first value of a key in a file of /proc; without a key, all of it.
func entry(file, key string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "not known here"
	}
	if key == "" {
		return strings.TrimSpace(string(text))
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
