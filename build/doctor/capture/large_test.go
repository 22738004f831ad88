package capture

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
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
	began := time.Now()
	a, err := New(f, Options{Ndots: -1})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d MB in %v, %.0f MB/s; %d MB of memory; %d lookups, %d broke", *megabytes, took, float64(*megabytes)/took.Seconds(), (m.Sys-m.HeapReleased)>>20, r.Lookups, r.Broke)
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
