package model

import (
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var someAnswers = []upstream.Answer{
	upstream.Data, upstream.NoData, upstream.NXDomain, upstream.ServFail, upstream.Refused, upstream.Silence, upstream.TCEmpty,
}

var large = []string{
	"data-n24.nodata", "data-n25.nodata", "data-n25-c1.nodata", "data-n26-c1.nodata", "data-n50.nodata", "data-n51.nodata",
	"data-n28.nodata", "data-n29.nodata", "data-n31.nodata", "data-n40.nodata", "data-n47.data-n2",
	"data-n63.nodata", "data-n64.nodata", "data-n100.nodata", "data-n300.nodata", "data-n300-u.nodata",
	"data-n5.data-n60", "data-n5.data-n47", "data-n5.data-n48", "data-n5.data-n170", "data-n300.data-n300",
	"data-n290-u.nodata", "data-n299-u.nodata",
	"data-c6-l60.nodata", "data-c7-l60.nodata", "data-c8-l60.nodata", "data-c11-l60.nodata", "data-c30-l60.nodata",
	"data-c1-l250.nodata", "data-c2-l215.nodata", "data-c3-l215.nodata", "data-c8-l215.nodata", "data-c17-l250.nodata", "data-c20-l250.nodata",
	"data-c30-l60-u.data", "data-c8-l60-u.data-c8-l60-u", "tcempty-c2.tcsome-c2", "tcsome-c2.nodata",
}

// In these the last record that fits musl's buffer is incomplete. Before 1.2.4 it counts all the same, and its
// address ends in whatever the buffer held before: these are compared by their number.
var cut = []string{"cut.nodata", "nodata.cut", "cut.data", "data.cut", "cut.cut", "data-n40-u.nodata", "data-n33-u.nodata", "data-n30-u.data-n17-u", "nodata.data-n17-u"}

var failures = []string{
	"data-f1silence.data", "data-f2silence.data", "data.data-f1silence", "data.data-f2silence", "data-f1silence.data-f1silence",
	"data-f1refused.data", "data-f2refused.data", "data-f1refused.data-f1refused", "data-f1notimp.data", "data-f1formerr.data",
	"data-f1servfail.data", "data-f4servfail.data", "data-f5servfail.data", "data-f9servfail.data", "data-f10servfail.data",
	"data-f2servfail.data-f2servfail", "data-f3servfail.data-f3servfail", "data-f6servfail.data-f6servfail", "data.data-f9servfail",
	"servfail.servfail", "servfail.data", "refused.refused", "nodata-f1servfail.data", "tcempty-f1servfail.data",
}

var late = []string{
	"data-d1000.data", "data.data-d2400", "data.data-d2600", "data.data-d4000", "nodata.nodata-d4000", "data.data-d6000",
	"data-d6000.data", "nxdomain-d3000.data", "data-d7000.data-d7000", "servfail-d1000.data", "servfail-d2000.servfail-d2000",
	"servfail-d100.data-d200", "tcempty-d500.data", "data-d500.tcempty-d1000", "data.tcempty-d2600",
}

var streams = []string{
	"tcempty-xclose.data", "tcempty-xreset.data", "tcempty-xservfail.data", "tcempty-xrefused.data", "tcempty-xtruncate.data",
	"tcempty-xshort.data", "tcempty-xstall.data", "data.tcempty-xclose", "data.tcempty-xservfail", "nxdomain.tcempty-xclose",
	"tcsome-xclose.data", "tcsome-xstall.tcsome", "tcempty-xtruncate.tcempty-xtruncate", "tcempty-xservfail-d50.tcempty-xservfail-d50",
	"tcempty-xclose-d50.tcempty-xclose-d50", "tcempty-xclose-d300.data-d100", "data-n40.data-n40", "tcempty.nodata", "nxdomain.tcempty",
}

var singleStreams = []string{
	"tcempty", "tcempty-xclose", "tcempty-xservfail", "tcempty-xrefused", "tcempty-xtruncate", "tcempty-xreset", "formerr", "refused",
}

// singles are asked for one family at a time: glibc has a third way of choosing its error for AF_INET.
var singles = []struct {
	conf  string
	names []string
}{
	{conf("search d1.test servfail.test", "options ndots:5"), []string{"nxdomain.TAG", "servfail.TAG"}},
	{conf("search d1.test servfail.test nodata.test", "options ndots:5"), []string{"nxdomain.TAG"}},
	{conf("search d1.test refused.test d2.test", "options ndots:5"), []string{"nxdomain.TAG"}},
	{conf("search refused.test"), []string{"nxdomain.TAG.plain.test", "nodata.TAG.plain.test", "servfail.TAG.plain.test"}},
	{conf("search servfail.test"), []string{"nxdomain.TAG.plain.test", "nodata.TAG.plain.test"}},
	{"nameserver " + silentServer + "\nsearch d2.test\noptions ndots:5\n", []string{"data.TAG"}},
	{"nameserver " + noTCPServer + "\nsearch d2.test\noptions ndots:1\n", []string{"tcempty.TAG.plain.test"}},
	{conf("options no-aaaa", "search d1.test d2.test"), []string{"data.data.TAG.plain.test.", "nxdomain.data.TAG.plain.test.", "servfail.data.TAG.plain.test.", "data.data.TAG"}},
}

var configured = []struct {
	conf   string
	family stub.Family
	names  []string
}{
	{conf("search servfail.test d2.test", "options ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf("search refused.test d2.test", "options ndots:5"), stub.Both, []string{"a.TAG", "data.TAG.plain.test"}},
	{conf("search nodata.test d2.test", "options ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf("search d1.test servfail.test refused.test nodata.test", "options ndots:5"), stub.Both, []string{"nxdomain.TAG", "data.TAG.plain.test"}},
	{conf("search d1.test servfail.test nodata.test", "options ndots:5"), stub.Both, []string{"nxdomain.TAG", "data.TAG.plain.test"}},
	{conf("search d1.test", "search d2.test", "options ndots:5"), stub.Both, []string{"data.TAG"}},
	{conf("search d1.test", "domain d2.test plain.test", "options ndots:5"), stub.Both, []string{"nxdomain.TAG"}},
	{conf("search d2.test", "search ", "options ndots:5"), stub.Both, []string{"data.TAG"}},
	{conf("search d2.test # d1.test", "; search d1.test", " search d1.test"), stub.Both, []string{"TAG"}},
	{conf("search d2.test", "options ndots:2"), stub.Both, []string{"a.TAG", "a.b.TAG", "a.b.c.TAG", "data.TAG.plain.test", "data.TAG.plain.test."}},
	{conf("search d2.test", "options ndots:0"), stub.Both, []string{"TAG"}},
	{conf("search d2.test", "options ndots:20"), stub.Both, []string{"a.b.c.d.e.f.g.h.i.j.k.l.m.TAG", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.TAG"}},
	{conf("search d2.test", "options ndots:1 ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf("search d2.test.", "options ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf("search d2.test"), stub.Both, []string{"TAG..", "a..TAG", ".", "", ".TAG", "a_b.TAG.d2.test", "-a.TAG.d2.test", "a+b.TAG.d2.test", "x.-a_.TAG.d2.test"}},
	{conf("search d2.test"), stub.V4, []string{"a+b.TAG.d2.test", "-a.TAG.d2.test", ""}},
	{conf("options timeout:1"), stub.Both, []string{"silence.data.TAG.plain.test.", "servfail.servfail.TAG.plain.test.", "silence.silence.TAG.plain.test."}},
	{conf("options timeout:2 attempts:4"), stub.Both, []string{"silence.silence.TAG.plain.test.", "data-f2silence.data.TAG.plain.test."}},
	{conf("options attempts:1"), stub.Both, []string{"silence.data.TAG.plain.test.", "data-f1silence.data.TAG.plain.test."}},
	{conf("options timeout:2 attempts:3"), stub.Both, []string{"data-f1silence.data.TAG.plain.test."}},
	{conf("options attempts:0"), stub.Both, []string{"data.data.TAG.plain.test."}},
	{conf("options timeout:0"), stub.Both, []string{"data.data.TAG.plain.test.", "silence.silence.TAG.plain.test."}},
	{conf("search d2.test", "options ndots:x"), stub.Both, []string{"TAG", "a.TAG", "a.TAG.d2.test"}},
	{conf("search d2.test", "options ndots:5 ndots:x"), stub.Both, []string{"TAG", "a.TAG"}},
	{conf("search d2.test", "options ndots:99999999999 timeout:61 attempts:11"), stub.Both, []string{"TAG", "a.TAG"}},
	{conf("options use-vc"), stub.Both, []string{"data.nodata.TAG.plain.test."}},
	{conf("options single-request"), stub.Both, []string{"data.data.TAG.plain.test.", "servfail.data.TAG.plain.test.", "data.silence.TAG.plain.test.", "refused.data.TAG.plain.test.", "servfail.servfail.TAG.plain.test.", "nxdomain.servfail.TAG.plain.test.", "formerr.data.TAG.plain.test."}},
	{conf("options single-request-reopen"), stub.Both, []string{"data.data.TAG.plain.test.", "data.servfail.TAG.plain.test.", "servfail.data.TAG.plain.test.", "data.silence.TAG.plain.test.", "servfail.servfail.TAG.plain.test."}},
	{conf("options no-aaaa"), stub.Both, []string{"data.data.TAG.plain.test."}},
	{conf("search .", "options ndots:2"), stub.Both, []string{"data.TAG"}},
	{"nameserver " + dotServer + "\nsearch . d2.test\noptions ndots:2\n", stub.Both, []string{"data.TAG"}},
	{"nameserver " + noTCPServer + "\nsearch d2.test\n", stub.Both, []string{
		"tcempty.data.TAG.plain.test.", "tcempty.tcempty.TAG.plain.test.", "data-n40.data.TAG.plain.test.", "nxdomain.tcempty.TAG.plain.test.",
		"tcempty.data.TAG.plain.test"}},
	{"nameserver " + silentServer + "\nsearch d2.test\noptions ndots:5\n", stub.Both, []string{"data.TAG"}},
	{conf("nameserver "+silentServer, "search d2.test", "options ndots:5"), stub.Both, []string{"data.TAG"}},
	{"nameserver " + silentServer + "\n" + twoDomains, stub.Both, []string{"data.TAG", "silence.data.TAG"}},
	{conf("nameserver "+slowServer, "options ndots:1"), stub.Both, []string{
		"data.data.TAG.plain.test.", "nxdomain.nxdomain.TAG.plain.test.", "nodata.data.TAG.plain.test.", "silence.silence.TAG.plain.test.",
		"silence.data.TAG.plain.test.", "servfail.servfail.TAG.plain.test.", "refused.refused.TAG.plain.test.", "tcempty-xclose.data.TAG.plain.test."}},
	{conf(padded("search d2.test", 254), "options ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf(padded("search d2.test", 255), "options ndots:5"), stub.Both, []string{"a.TAG"}},
	{conf("search d2.test "+long(200)+" plain.test", "options ndots:9"), stub.Both, []string{
		"nxdomain." + long(200) + ".TAG", "nxdomain." + long(40) + ".TAG", "data." + long(200) + ".TAG"}},
	{conf("search nodata.test", "options ndots:1"), stub.Both, []string{long(230) + ".TAG", long(238) + ".TAG"}},
	{conf("search "+long(239)+" d2.test", "options ndots:9"), stub.Both, []string{"TAG", "x.TAG", "xxx.TAG", "xxxxxx.TAG"}},
}
