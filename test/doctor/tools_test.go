package doctor

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// atOnceTools is how many programs run at the same time.
const atOnceTools = 100

// Where the programs print addresses: nslookup of BusyBox for A and AAAA, dig for A.
var printed = map[string]*regexp.Regexp{
	"nslookup": regexp.MustCompile(`(?m)^Name:\t.*\nAddress: (\S+)$`),
	"dig":      regexp.MustCompile(`(?m)^[^;\n]\S*\s+\d+\s+IN\s+A\s+(\S+)$`),
}

// shown is a run of a real program beside what doctor says of it.
type shown struct {
	name   string
	want   tool
	got    []string
	out    string
	status int
}

// TestTools runs nslookup of BusyBox and dig for every name with a hazard, and compares the addresses and the exit status with
// what doctor says they show.
func TestTools(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	serve(t, "127.0.0.1:53")
	checkTools(t, append(matrix(), "data", "nxdomain", "servfail", "tcempty.nodata.x.plain.test", "data.nxdomain.x.plain.test", "data-c3-l215.data.x.plain.test"))
}

// TestToolsOfTwoServers does the same with two name servers: the programs ask them one after the other, each by rules of its own.
func TestToolsOfTwoServers(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, twoServers)
	var names []string
	for _, d := range append(disagreements, crossed()...) {
		names = append(names, d.name)
	}
	for which, addr := range two {
		upstream.Start(t, addr+":53", script(t, which, ""))
	}
	checkTools(t, names)
}

func checkTools(t *testing.T, names []string) {
	t.Helper()
	commands := map[string][]string{
		"nslookup": {lab.LookPath(t, "busybox"), "nslookup"},
		"dig":      {lab.LookPath(t, "dig"), "+tries=2"}, // as often as doctor asks
	}
	_, r := examine(t, names...)
	var all []*shown
	for _, n := range r.Names {
		if n.Status == "hazards" && len(n.Tools) != len(commands) {
			t.Errorf("%s has hazards, and says what %d programs show; want %d", n.Name, len(n.Tools), len(commands))
		}
		for _, tool := range n.Tools {
			all = append(all, &shown{name: n.Name, want: tool})
		}
	}
	run := func(s *shown) { s.run(t, commands[s.want.Tool]) }
	lab.AtOnce(atOnceTools, all, run)
	misled := 0
	for _, s := range all {
		if !s.isRight() {
			run(s) // what was only late on a busy machine is not late again
		}
		if !s.isRight() {
			t.Errorf("%s %s shows %v, status %d; doctor says %+v\n%s", s.want.Tool, s.name, s.got, s.status, s.want, s.out)
		}
		if s.want.Works {
			misled++
		}
	}
	t.Logf("%d runs, %d of them show an address where a libc is in trouble", len(all), misled)
	if misled == 0 || misled == len(all) {
		t.Errorf("%d of %d runs show an address; want both kinds", misled, len(all))
	}
}

func (s *shown) isRight() bool {
	return slices.Equal(s.got, sorted(s.want.Addresses)) && s.status == s.want.Status && s.want.Works == (len(s.got) > 0)
}

// run runs the program and reads what it prints.
func (s *shown) run(t *testing.T, command []string) {
	cmd := exec.Command(command[0], append(slices.Clone(command[1:]), s.name)...)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Errorf("%v: %v", cmd, err)
		return
	}
	s.out, s.status = string(out), cmd.ProcessState.ExitCode()
	s.got = nil
	for _, m := range printed[s.want.Tool].FindAllStringSubmatch(string(out), -1) {
		s.got = append(s.got, m[1])
	}
	s.got = sorted(s.got)
}
