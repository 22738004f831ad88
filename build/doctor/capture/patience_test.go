package capture

import (
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// TestPatience has clients with options of their own in resolv.conf, which only the times of their questions show.
func TestPatience(t *testing.T) {
	for _, tc := range []struct {
		about, libc, name string
		timeout           time.Duration
		attempts          int
	}{
		{"as usual, silence", "musl-1.2.5", "silence.silence.x.plain.test.", 5 * time.Second, 2},
		{"as usual, a loss", "musl-1.2.5", "data-f1silence.data.x.plain.test.", 5 * time.Second, 2},
		{"timeout:2 attempts:4, silence", "musl-1.2.5", "silence.silence.x.plain.test.", 2 * time.Second, 4},
		{"timeout:2 attempts:4, half silence", "musl-1.2.3", "data.silence.x.plain.test.", 2 * time.Second, 4},
		{"timeout:3 attempts:3, silence", "musl-1.2.5", "silence.silence.x.plain.test.", 3 * time.Second, 3},
		{"glibc as usual, silence", "glibc-2.36", "silence.silence.x.plain.test.", 5 * time.Second, 2},
		{"glibc as usual, a loss", "glibc-2.36", "data-f1silence.data.x.plain.test.", 5 * time.Second, 2},
		{"glibc, timeout:1 attempts:3, silence", "glibc-2.36", "silence.silence.x.plain.test.", time.Second, 3},
		{"glibc, timeout:2, a loss", "glibc-2.36", "data-f1silence.data.x.plain.test.", 2 * time.Second, 2},
	} {
		t.Run(tc.about, func(t *testing.T) {
			m, _ := stub.Find(tc.libc)
			c := testConf
			c.Timeout, c.Attempts = tc.timeout, tc.attempts
			want := m.Lookup(c, tc.name, stub.Both, scripted.Exchange)
			judged := 0
			var tr *tracker
			tr = newTracker(func(l *lookup) {
				judged++
				v := newEngine(&tr.names).judge(l, nil, -1)
				for i, o := range v.outcomes {
					if o.Model == m && (o.Result.Err != want.Err || o.Result.Elapsed != want.Elapsed || !v.consistent[i]) {
						t.Errorf("%v after %v, consistent %v; want %v after %v", o.Result.Err, o.Result.Elapsed, v.consistent[i], want.Err, want.Elapsed)
					}
				}
			}, func(*lookup) {}, func(*client) []string { return nil })
			for _, e := range sentIn(m, c, tc.name, stub.Both, scripted.Exchange, time.Hour, 3000) {
				tr.event(&e)
			}
			if tr.flush(false); judged != 1 {
				t.Errorf("%d lookups; want 1", judged)
			}
		})
	}
}
