package capture

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// curable are names that break on some musl, and do not behind muslsafe.
var curable = []string{
	"data.nxdomain.TAG.plain.test", "nxdomain.data.TAG.plain.test", "data.servfail.TAG.plain.test", "data.refused.TAG.plain.test",
	"servfail.data.TAG.plain.test", "data.silence.TAG.plain.test", "data.data-d2900.TAG.plain.test", "data-n40.nodata.TAG.plain.test",
}

// tap receives what the dnstap plugin sends. stop ends that and returns it as a file.
func tap(t *testing.T) (socket string, stop func() []byte) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "dnstap.sock")
	in, err := dnstap.NewFrameStreamSockInputFromPath(socket)
	if err != nil {
		t.Fatal(err)
	}
	frames, ended := make(chan []byte), make(chan bool)
	go in.ReadInto(frames)
	var file bytes.Buffer
	w, err := framestream.NewWriter(&file, &framestream.WriterOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
	if err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case frame := <-frames:
				_, _ = w.WriteFrame(frame) // into memory
			case <-ended:
				return
			}
		}
	})
	return socket, func() []byte {
		close(ended)
		writing.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
}

// TestMuslsafe looks names up without muslsafe and with it. What doctor says of the first, that with muslsafe the program would get
// an address, must come true in the second. And the second, as the dnstap plugin has it, must be understood as well.
func TestMuslsafe(t *testing.T) {
	lab.Require(t)
	upstream.Start(t, "192.0.2.200:53", script)
	socket, stop := tap(t)
	lab.CoreDNS(t, fmt.Sprintf(". {\n bind 192.0.2.201\n dnstap %s full\n muslsafe\n forward . 192.0.2.200\n}\n", socket), nil)
	without, with := "nameserver 192.0.2.200\n", "nameserver 192.0.2.201\n"
	var bare, safe []*cell
	for i, libc := range lab.Libcs(t) {
		if !libc.Musl() {
			continue
		}
		client := netip.MustParseAddr("192.0.2.200")
		bare = append(bare, place{libc, lab.NewJail(t, without), client, fmt.Sprintf("p%d", i)}.cells("b", curable...)...)
		safe = append(safe, place{libc, lab.NewJail(t, with), client, fmt.Sprintf("p%d", i)}.cells("s", curable...)...)
	}
	r := record(t)
	look := func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) }
	lab.AtOnce(atOnce, bare, look)
	lab.AtOnce(4, safe, look)
	time.Sleep(6 * time.Second)
	look(bare[0])
	recording := r.stop(t)
	cures(t, bare, safe, analyse(t, recording, "192.0.2.200"))
	tappedLookups(t, safe, analyse(t, stop(), "192.0.2.201"))
}

// byTag returns the trace of each lookup.
func byTag(report *capture.Report) map[string]capture.Trace {
	all := make(map[string]capture.Trace)
	for _, trace := range slices.Backward(report.Traces) { // of what is asked anew, the first counts
		for label := range strings.SplitSeq(trace.Name, ".") {
			all[label] = trace
		}
	}
	return all
}

// outcomeOf returns what doctor says that a libc made of a lookup.
func outcomeOf(t *testing.T, c *cell, trace capture.Trace) (o capture.Outcome) {
	t.Helper()
	m, ok := stub.Find(strings.ReplaceAll(c.libc.Name, " ", "-"))
	i := slices.IndexFunc(trace.Outcomes, func(o capture.Outcome) bool { return o.Model == m })
	if !ok || i < 0 {
		t.Errorf("%s: %s: not in the report", c.libc.Name, c.name)
		return o
	}
	return trace.Outcomes[i]
}

// cures holds what muslsafe would have done against what it did.
func cures(t *testing.T, bare, safe []*cell, report *capture.Report) {
	t.Helper()
	traces, cured := byTag(report), 0
	for i, c := range bare {
		o, got := outcomeOf(t, c, traces[c.tag]), safe[i].got
		if len(o.Causes) == 0 {
			if c.got.Err != "OK" {
				t.Errorf("%s: %s = %v; doctor finds no hazard", c.libc.Name, c.name, c.got)
			}
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(o.Cured, "gets "), " ")
		if got.Err != "OK" || !slices.Contains(got.Addrs, first) {
			t.Errorf("%s: %s with muslsafe = %v; doctor says that it %s", c.libc.Name, c.name, got, o.Cured)
		}
		cured++
	}
	if t.Logf("%d of %d lookups broke, and were cured as predicted", cured, len(bare)); cured < len(bare)/2 {
		t.Errorf("%d of %d lookups broke; want more, as the test is about them", cured, len(bare))
	}
}

// tappedLookups holds the lookups in a dnstap file against what getaddrinfo returned.
func tappedLookups(t *testing.T, cells []*cell, report *capture.Report) {
	t.Helper()
	traces := byTag(report)
	for _, c := range cells {
		o := outcomeOf(t, c, traces[c.tag])
		addrs := append(slices.Clone(o.Result.V4), o.Result.V6...)
		if o.Result.Err.String() != c.got.Err || len(addrs) != len(c.got.Addrs) {
			t.Errorf("%s: %s = %v; by dnstap %v %v", c.libc.Name, c.name, c.got, o.Result.Err, addrs)
		}
	}
	if report.Counts.Bare > 0 || report.Counts.Messages == 0 {
		t.Errorf("%+v; want whole messages", report.Counts)
	}
}
