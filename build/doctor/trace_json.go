package main

import (
	"net/netip"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"

	"github.com/miekg/dns"
)

// The shape of trace -json.
type (
	jsonTrace struct {
		Libc      string       `json:"libc"`
		Name      string       `json:"name"`
		Error     string       `json:"error"`
		Addresses []netip.Addr `json:"addresses"`
		Steps     []jsonStep   `json:"steps"`
	}
	jsonStep struct {
		Name    string       `json:"name"`
		Begins  float64      `json:"begins"` // in seconds
		Ends    float64      `json:"ends"`
		Outcome string       `json:"outcome"`
		Packets []jsonPacket `json:"packets"`
	}
	jsonPacket struct {
		Type    string     `json:"type"`
		Server  netip.Addr `json:"server"`
		Over    string     `json:"over"`
		Sent    float64    `json:"sent"`
		Answer  string     `json:"answer"`
		Verdict string     `json:"verdict"`
	}
)

func (t *timeline) toJSON(m *stub.Model, name string, r stub.Result) jsonTrace {
	j := jsonTrace{Libc: m.Name, Name: name, Error: r.Err.String(), Addresses: append(append([]netip.Addr{}, r.V4...), r.V6...), Steps: []jsonStep{}}
	for _, s := range r.Steps {
		step := jsonStep{
			Name: strings.TrimSuffix(s.Name, "."), Begins: s.Start.Seconds(), Ends: s.End.Seconds(), Outcome: s.Outcome.String(),
			Packets: []jsonPacket{},
		}
		for _, p := range s.Packets {
			step.Packets = append(step.Packets, jsonPacket{
				Type: dns.TypeToString[p.Query.Type], Server: p.Query.Server, Over: p.Query.Transport.String(), Sent: p.Query.At.Seconds(),
				Answer: diagnosis.Describe(p.Reply, p.Query.Type, t.timeout), Verdict: p.Verdict.String(),
			})
		}
		j.Steps = append(j.Steps, step)
	}
	return j
}
