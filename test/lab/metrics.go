package lab

import (
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// web keeps no connection: the server would have goroutines for it, which are not those of its own work.
var web = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Get returns the page at a URL.
func Get(t *testing.T, url string) string {
	t.Helper()
	resp, err := web.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Gauge returns a metric without labels of the server at an address, which has prometheus on port 9153.
func Gauge(t *testing.T, addr, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (.+)$`).FindStringSubmatch(Get(t, "http://"+addr+":9153/metrics"))
	if m == nil {
		t.Fatalf("%s: no metric %s", addr, name)
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(value)
}

// Counters returns what the server at an address says of a metric, added up by the value of a label.
func Counters(t *testing.T, addr, metric, label string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	line := regexp.MustCompile(`(?m)^` + metric + `\{.*\b` + label + `="(\w+)".*\} (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(Get(t, "http://"+addr+":9153/metrics"), -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[m[1]] += int(n)
	}
	return counts
}

// LiveHeap returns what the server at an address holds, in kB: the least of some looks, each after a collection of garbage,
// as what was allocated since then counts too. The server has pprof on port 6053.
func LiveHeap(t *testing.T, addr string) int {
	t.Helper()
	least := math.MaxInt
	for range 5 {
		Get(t, "http://"+addr+":6053/debug/pprof/heap?gc=1")
		least = min(least, Gauge(t, addr, "go_memstats_heap_alloc_bytes")>>10)
	}
	return least
}
