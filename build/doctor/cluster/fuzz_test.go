package cluster

import (
	"encoding/json"
	"testing"
)

// FuzzReadProbe has logs of pods, in which an image may write anything. What is read is judged.
func FuzzReadProbe(f *testing.F) {
	f.Add([]byte(`{"servers":["10.96.0.10:53"],"search":["default.svc.cluster.local","svc.cluster.local","cluster.local","example.com"],"ndots":5,"names":[{"name":"x","status":"healthy"}]}`))
	f.Add([]byte("doctor: no such file\n{\n}\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		p, err := ReadProbe(log)
		if err != nil {
			return
		}
		p.Node = "node-1"
		s := readState(t, coreDNS(with("ttl 30")))
		s.Probes = []Probe{p}
		if r := Examine(s); len(r.Nodes) > 1 {
			t.Errorf("one probe, and %d views", len(r.Nodes))
		}
	})
}

// FuzzPod has pods, of which some fields may hold anything.
func FuzzPod(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"web","namespace":"shop"},"spec":{"dnsPolicy":"None","dnsConfig":{"nameservers":["x"],"searches":[".",""],"options":[{"name":"ndots","value":"-1"},{"name":"attempts:0"}]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Pod
		if json.Unmarshal(text, &p) != nil {
			return
		}
		s := readState(t, coreDNS(with("complete")))
		s.Pods.Add(p)
		if r := Examine(s); len(r.Pods) != s.Pods.Count() {
			t.Errorf("%d groups of %d pods", len(r.Pods), s.Pods.Count())
		}
	})
}
