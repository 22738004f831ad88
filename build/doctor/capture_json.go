package main

import (
	"net/netip"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// The shape of capture -json. Members are added, never renamed. Times are in seconds.
type (
	jsonCapture struct {
		packets.Counts
		Seconds     float64             `json:"seconds"`
		Lookups     int64               `json:"lookups"`
		Found       int64               `json:"found"`
		Absent      int64               `json:"absent"`
		Broke       int64               `json:"broke"`
		AtRisk      int64               `json:"atRisk"`
		Unfinished  int64               `json:"unfinished"`
		Partial     int64               `json:"partial"`
		Unjudged    int64               `json:"unjudged"`
		Dropped     int64               `json:"dropped"`
		SeenTwice   int64               `json:"seenTwice"`
		Unasked     int64               `json:"unasked"`     // replies without a question
		OtherAsked  int64               `json:"otherAsked"`  // questions that are not for addresses
		Hazards     []jsonCaptureHazard `json:"hazards"`     // those that broke the most first
		Names       []jsonCaptureRow    `json:"names"`       // the slowest first
		Clients     []jsonCaptureClient `json:"clients"`     // the slowest first
		Traces      []jsonCaptureTrace  `json:"traces"`      // those asked for by --name and --client
		TracesShort int64               `json:"tracesShort"` // that were too many
	}
	jsonCaptureRow struct {
		Name    string           `json:"name"`
		Lookups int64            `json:"lookups"`
		Broke   int64            `json:"broke"`
		AtRisk  int64            `json:"atRisk"`
		Slowest *float64         `json:"slowest"` // of those that broke; null: never returned
		Hazards []diagnosis.Kind `json:"hazards"`
		Effect  string           `json:"effect,omitempty"`
	}
	jsonResolver struct {
		Name  string   `json:"name"`
		Libc  string   `json:"libc,omitempty"` // the most likely model
		Libcs []string `json:"libcs"`          // all that the name stands for
		Sure  float64  `json:"sure"`
		Why   []string `json:"why"`
	}
	jsonCaptureClient struct {
		jsonCaptureRow
		Address  netip.Addr   `json:"address"`
		Resolver jsonResolver `json:"resolver"`
	}
	jsonCaptureHazard struct {
		jsonHazard
		Lookups  int64        `json:"lookups"`
		Broke    int64        `json:"broke"`
		AtRisk   int64        `json:"atRisk"`
		Names    int          `json:"names"`
		Clients  int          `json:"clients"`
		Slowest  *float64     `json:"slowest"`
		Name     string       `json:"name"` // of the example, as its client
		Client   netip.Addr   `json:"client"`
		Muslsafe []jsonAnswer `json:"muslsafe"` // what it would have answered
	}
	jsonCaptureTrace struct {
		At       time.Time           `json:"at"`
		Client   netip.Addr          `json:"client"`
		Resolver jsonResolver        `json:"resolver"`
		Name     string              `json:"name"`
		Search   []string            `json:"search"`
		Seen     float64             `json:"seen"` // from the first packet to the last
		Libcs    []jsonOutcome       `json:"libcs"`
		Hazards  []jsonCaptureAnswer `json:"hazards"`
	}
	jsonOutcome struct {
		jsonTrace
		Asked    bool             `json:"asked"`
		Seconds  *float64         `json:"seconds"`
		Unknown  string           `json:"unknown,omitempty"`
		Hazards  []diagnosis.Kind `json:"hazards"`
		Muslsafe string           `json:"muslsafe,omitempty"` // what it would have got
	}
	jsonCaptureAnswer struct {
		Kind     diagnosis.Kind `json:"kind"`
		Question string         `json:"question"`
		Answers  []jsonAnswer   `json:"answers"`
		Muslsafe []jsonAnswer   `json:"muslsafe"`
	}
)

func (w *captureWriter) toJSON() jsonCapture {
	j := jsonCapture{
		Counts: w.Counts, Seconds: w.Seconds, Lookups: w.Lookups, Found: w.Found, Absent: w.Absent, Broke: w.Broke, AtRisk: w.AtRisk,
		Unfinished: w.Unfinished, Partial: w.Partial, Unjudged: w.Unjudged, Dropped: w.Dropped, SeenTwice: w.Echoes, Unasked: w.Orphans, OtherAsked: w.Others,
		Hazards: []jsonCaptureHazard{}, Names: []jsonCaptureRow{}, Clients: []jsonCaptureClient{}, Traces: []jsonCaptureTrace{}, TracesShort: w.More,
	}
	for _, h := range w.Hazards {
		j.Hazards = append(j.Hazards, captureHazardToJSON(h))
	}
	for _, r := range w.Names {
		j.Names = append(j.Names, rowToJSON(r))
	}
	for _, c := range w.Clients {
		j.Clients = append(j.Clients, jsonCaptureClient{rowToJSON(c.Row), c.Address, resolverToJSON(c.Resolver)})
	}
	for _, t := range w.Traces {
		j.Traces = append(j.Traces, traceToJSON(t))
	}
	return j
}

func rowToJSON(r capture.Row) jsonCaptureRow {
	return jsonCaptureRow{r.Name, r.Lookups, r.Broke, r.AtRisk, seconds(r.Slowest), append([]diagnosis.Kind{}, r.Kinds...), r.Effect}
}

// seconds is null for what never returns.
func seconds(d time.Duration) *float64 {
	if d == stub.Forever {
		return nil
	}
	s := d.Seconds()
	return &s
}

func resolverToJSON(r capture.Resolver) jsonResolver {
	j := jsonResolver{Name: r.Name, Libcs: []string{}, Sure: r.Sure, Why: append([]string{}, r.Why...)}
	for _, m := range r.Range {
		j.Libcs = append(j.Libcs, m.Name)
	}
	if r.Model != nil {
		j.Libc = r.Model.Name
	}
	return j
}

func answersToJSON(all []diagnosis.Answer) []jsonAnswer {
	out := []jsonAnswer{}
	for _, a := range all {
		out = append(out, jsonAnswer{a.Type, a.Says})
	}
	return out
}

func captureHazardToJSON(h capture.Hazard) jsonCaptureHazard {
	d := diagnosis.Hazard{Kind: h.Kind, Question: h.Example.Cause.Question, Answers: h.Example.Cause.Answers}
	for _, x := range h.Example.Harms {
		d.Harms = append(d.Harms, x.Harm)
	}
	return jsonCaptureHazard{
		jsonHazard: hazardToJSON(d), Lookups: h.Lookups, Broke: h.Broke, AtRisk: h.AtRisk, Names: h.Names, Clients: h.Clients,
		Slowest: seconds(h.Slowest), Name: h.Example.Name, Client: h.Example.Client, Muslsafe: answersToJSON(h.Example.Cause.Instead),
	}
}

func traceToJSON(t capture.Trace) jsonCaptureTrace {
	j := jsonCaptureTrace{
		At: time.Unix(0, int64(t.At)).UTC(), Client: t.Client, Resolver: resolverToJSON(t.Resolver), Name: strings.TrimSuffix(t.Name, "."),
		Search: append([]string{}, t.Search...), Seen: t.Took.Seconds(), Libcs: []jsonOutcome{}, Hazards: []jsonCaptureAnswer{},
	}
	line := timeline{}
	for _, o := range t.Outcomes {
		out := jsonOutcome{
			jsonTrace: line.toJSON(o.Model, j.Name, o.Result), Asked: t.Asked != nil && t.Asked.Model == o.Model, Seconds: seconds(o.Result.Elapsed),
			Unknown: o.Unknown, Hazards: []diagnosis.Kind{}, Muslsafe: o.Cured,
		}
		for _, i := range o.Causes {
			out.Hazards = append(out.Hazards, t.Causes[i].Kind)
		}
		j.Libcs = append(j.Libcs, out)
	}
	for _, c := range t.Causes {
		j.Hazards = append(j.Hazards, jsonCaptureAnswer{c.Kind, strings.TrimSuffix(c.Question, "."), answersToJSON(c.Answers), answersToJSON(c.Instead)})
	}
	return j
}
