package capture

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// megabytes is the size of the large capture. 1024 is what the bounds are for.
var megabytes = flag.Int64("megabytes", 64, "size of the large capture")

// atMost is how much memory a capture of any size may take.
const atMost = 200 << 20

// TestLargeCapture reads a large file. Memory is what the program has from the system, with a collector as usual.
func TestLargeCapture(t *testing.T) {
	file, written := largeCapture(t, *megabytes<<20)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	debug.FreeOSMemory()
	began, before := time.Now(), processor(t)
	a, err := New(f, Options{Ndots: -1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	took, cpu := time.Since(began), processor(t)-before
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d MB in %.1f s, %.0f MB for each second of a processor; %d MB of memory; %d lookups, %d broke",
		*megabytes, took.Seconds(), float64(*megabytes)/cpu.Seconds(), (m.Sys-m.HeapReleased)>>20, r.Lookups, r.Broke)
	if used := m.Sys - m.HeapReleased; used > atMost {
		t.Errorf("%d MB of memory; want at most %d", used>>20, atMost>>20)
	}
	// Those of the last moments are under way, and pods use a socket again that is still open.
	if near := int64(written.lookups); r.Lookups < near*98/100 || r.Lookups > near*102/100 {
		t.Errorf("%d lookups; want about %d", r.Lookups, near)
	}
	if broke := int64(written.broken); r.Broke < broke*9/10 || r.Broke > broke*11/10 {
		t.Errorf("%d lookups broke; want about %d", r.Broke, broke)
	}
	if len(r.Clients) != pods {
		t.Errorf("%d clients; want %d", len(r.Clients), pods)
	}
}

// TestHostileCapture reads a capture in which nothing comes twice: each client asks once, for a long name of its own that goes wrong.
func TestHostileCapture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hostile.pcap")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	g := newTraffic(f)
	for i := range 60_000 {
		clear(g.packed)
		label := strings.Repeat("x", 50)
		g.pair(i, 4000, fmt.Sprintf("n%d.%s.%s.%s.example.org.", i, label, label, label), dns.RcodeSuccess, dns.RcodeNameError)
	}
	if err := errors.Join(g.out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err = os.Open(file); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	debug.FreeOSMemory()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(160 << 20)) // as the command does
	a, err := New(f, Options{Ndots: -1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d MB of memory; %d lookups, %d of clients that were too many", (m.Sys-m.HeapReleased)>>20, r.Lookups, r.Unjudged)
	if used := m.Sys - m.HeapReleased; used > atMost || r.Unjudged == 0 || r.Lookups+r.Unjudged < 59_000 {
		t.Errorf("%d MB of memory, %d lookups, %d not judged; want at most %d MB, and 60,000 together", used>>20, r.Lookups, r.Unjudged, atMost>>20)
	}
}

// processor returns how long this process has used processors. Other programs on the machine do not count.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// largeCapture writes a capture of so many octets.
func largeCapture(tb testing.TB, octets int64) (file string, g *traffic) {
	tb.Helper()
	file = filepath.Join(tb.TempDir(), "large.pcap")
	f, err := os.Create(file)
	if err != nil {
		tb.Fatal(err)
	}
	g = newTraffic(f)
	if err := g.fill(octets); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return file, g
}

func BenchmarkCapture(b *testing.B) {
	file, g := largeCapture(b, 16<<20)
	b.SetBytes(g.octets)
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(file)
		if err != nil {
			b.Fatal(err)
		}
		a, err := New(f, Options{Ndots: -1})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Read(); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
