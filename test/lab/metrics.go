package lab

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// web keeps no connections: the server would have goroutines for them, which tests would count.
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

// Metrics returns the metrics of the server at an address, on port 9153.
func Metrics(t *testing.T, addr string) string {
	t.Helper()
	return Get(t, "http://"+addr+":9153/metrics")
}

// Goroutines returns how many goroutines the server at an address has.
func Goroutines(t *testing.T, addr string) int {
	t.Helper()
	return gauge(t, addr, "go_goroutines")
}

// gauge returns a metric without labels.
func gauge(t *testing.T, addr, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (.+)$`).FindStringSubmatch(Metrics(t, addr))
	if m == nil {
		t.Fatalf("%s: no metric %s", addr, name)
	}
	return number(t, m[1])
}

// number reads a value as Prometheus writes it.
func number(t *testing.T, text string) int {
	t.Helper()
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(value)
}

// Counters returns a metric of the server at an address, summed up by the value of a label.
func Counters(t *testing.T, addr, metric, label string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	line := regexp.MustCompile(`(?m)^` + metric + `\{.*\b` + label + `="(\w+)".*\} (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(Metrics(t, addr), -1) {
		counts[m[1]] += number(t, m[2])
	}
	return counts
}
