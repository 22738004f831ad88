package main

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// The shape of nameservers -json. Members are added, never renamed.
type (
	jsonRaces struct {
		Servers []netip.AddrPort `json:"servers"`
		Names   []jsonRace       `json:"names"`
	}
	jsonRace struct {
		Name      string         `json:"name"`
		Status    string         `json:"status"` // healthy, hazards or unclear
		Questions []jsonQuestion `json:"questions"`
		Finishes  []jsonFinish   `json:"finishes"`
		Hazards   []jsonHazard   `json:"hazards"`
	}
	jsonQuestion struct {
		Name    string      `json:"name"`
		Type    string      `json:"type"`
		Differ  bool        `json:"differ"`
		First   *int        `json:"first"` // the index of the server, null if none answers
		Replies []jsonReply `json:"replies"`
	}
	jsonReply struct {
		Server  netip.AddrPort `json:"server"`
		Answer  string         `json:"answer"`
		Seconds *float64       `json:"seconds"` // null: nothing came
	}
	jsonFinish struct {
		A       netip.Addr   `json:"a"`    // the server that is first for A
		AAAA    netip.Addr   `json:"aaaa"` // and for AAAA
		Lookups []jsonLookup `json:"lookups"`
	}
)

func racesToJSON(d *diagnosis.Doctor, races []diagnosis.Race) jsonRaces {
	all := jsonRaces{Servers: d.Servers(), Names: []jsonRace{}}
	for _, r := range races {
		all.Names = append(all.Names, raceToJSON(r))
	}
	return all
}

func raceToJSON(r diagnosis.Race) jsonRace {
	j := jsonRace{Name: r.Name, Status: "healthy", Questions: []jsonQuestion{}, Finishes: []jsonFinish{}, Hazards: []jsonHazard{}}
	if !answered(r) {
		j.Status = "unclear"
	}
	for _, h := range r.Hazards() {
		j.Status, j.Hazards = "hazards", append(j.Hazards, hazardToJSON(h))
	}
	for _, q := range r.Questions {
		j.Questions = append(j.Questions, questionToJSON(q))
	}
	for _, f := range r.Finishes {
		finish := jsonFinish{A: f.A, AAAA: f.AAAA}
		for _, l := range f.Lookups {
			finish.Lookups = append(finish.Lookups, lookupToJSON(l))
		}
		j.Finishes = append(j.Finishes, finish)
	}
	return j
}

func questionToJSON(q diagnosis.Question) jsonQuestion {
	j := jsonQuestion{Name: strings.TrimSuffix(q.Name, "."), Type: dns.TypeToString[q.Type], Differ: q.Differ()}
	if q.First >= 0 {
		j.First = &q.First
	}
	for _, r := range q.Replies {
		reply := jsonReply{Server: r.Server, Answer: r.Says}
		if r.Came {
			s := r.Took.Seconds()
			reply.Seconds = &s
		}
		j.Replies = append(j.Replies, reply)
	}
	return j
}
