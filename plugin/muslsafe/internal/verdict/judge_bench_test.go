package verdict

import "testing"

func BenchmarkJudge(b *testing.B) {
	rules := NewRules(ByDefault())
	for _, bm := range []struct {
		about string
		e     Evidence
	}{
		{"data", Evidence{Own: Data}},
		{"denied half", Evidence{IsAAAA: true, Own: Nxdomain, Sibling: Data}},
		{"expanded nodata", Evidence{Kind: nodeName, Own: Nodata, Sibling: Nodata, Stranger: Yes}},
		{"failure with an address ahead", Evidence{Kind: nodeName, Own: Failed, Sibling: Failed, Stranger: Yes, Ahead: Yes}},
	} {
		b.Run(bm.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules.Judge(bm.e)
			}
		})
	}
}
