package bounded

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTableExpiry has values that count until a time, to the second.
func TestTableExpiry(t *testing.T) {
	const s = time.Second
	const hash = 0x0123456789abcdef
	tests := []struct {
		about      string
		until, now time.Duration // after the table was made
		want       bool
	}{
		{"at once", 5 * s, 0, true},
		{"just before it expires", 5 * s, 5*s - 1, true},
		{"when it expires", 5 * s, 5 * s, false},
		{"long after", 5 * s, time.Hour, false},
		{"within a second, of which it does not see the end", 5*s + s/2, 5*s + s/4, false},
		{"just before that second", 5*s + s/2, 5*s - 1, true},
		{"within the first second", s / 2, 0, false},
		{"for a second", s, s - 1, true},
		{"expired when it is put", s, 2 * s, false},
		{"asked before the table was made", 5 * s, -time.Hour, true},
		{"until before the table was made", -s, -time.Hour, false},
		{"for a week", 7 * 24 * time.Hour, 7*24*time.Hour - 1, true},
		{"late in the life of a server", 190*24*time.Hour + 5*s, 190 * 24 * time.Hour, true},
		{"a year later", 365*24*time.Hour + 5*s, 365 * 24 * time.Hour, true},
		{"a year later, expired", 365*24*time.Hour + 5*s, 365*24*time.Hour + 5*s, false},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			table := NewTable()
			if v, ok := table.Get(hash, table.began.Add(tc.now)); ok {
				t.Errorf("Get = %d of an empty table", v)
			}
			table.Put(hash, 255, table.began.Add(tc.until))
			if v, ok := table.Get(hash, table.began.Add(tc.now)); ok != tc.want || ok && v != 255 {
				t.Errorf("Get = %d, %v; want %v", v, ok, tc.want)
			}
		})
	}
}

// TestTableInTime is the same by the clock that a server goes by.
func TestTableInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewTable()
		table.Put(7, 1, time.Now().Add(5*time.Second))
		for _, want := range []bool{true, true, true, true, true, false, false} {
			if _, ok := table.Get(7, time.Now()); ok != want {
				t.Errorf("after %s: %v; want %v", time.Since(table.began), ok, want)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestTableReplaces fills a set with hashes: another value of one hash takes its place, and where there is no room, the
// hash that expires first is forgotten, and not mistaken for another.
func TestTableReplaces(t *testing.T) {
	table := NewTable()
	now := table.began
	at := func(i uint64) uint64 { return 5 + (i+1)<<tagAt } // in one set
	for i := range uint64(ways) {
		table.Put(at(i), 1, now.Add(time.Duration(i+60)*time.Second))
		table.Put(at(i), 2, now.Add(time.Duration(i+60)*time.Second))
	}
	for i := range uint64(ways) {
		if v, ok := table.Get(at(i), now); !ok || v != 2 {
			t.Errorf("Get of hash %d = %d, %v; want 2", i, v, ok)
		}
	}
	table.Put(at(ways), 3, now.Add(time.Hour))
	if v, ok := table.Get(at(0), now); ok {
		t.Errorf("Get = %d of the hash that expires first; want nothing, as another one has its slot", v)
	}
	for i := range uint64(ways) {
		if v, ok := table.Get(at(i+1), now); !ok || v != 2 && i+1 < ways {
			t.Errorf("Get of hash %d = %d, %v; want it there", i+1, v, ok)
		}
	}
}

// TestTableIsNotMistaken fills all slots and asks for a million other hashes, and for those that differ in one of the
// bits that are compared.
func TestTableIsNotMistaken(t *testing.T) {
	table := NewTable()
	now := table.began
	rng := rand.New(rand.NewPCG(3, 4)) // with some seeds, two hashes have the same bits by chance
	hashes := make([]uint64, 0, 3*ways*sets)
	for range cap(hashes) {
		hash := rng.Uint64()
		hashes = append(hashes, hash)
		table.Put(hash, uint16(uint8(hash>>20)), now.Add(time.Hour))
	}
	for range 1_000_000 {
		if hash := rng.Uint64(); isThere(table, hash, now) {
			t.Errorf("%#x was found and never put", hash)
		}
	}
	found := 0
	for _, hash := range hashes {
		v, ok := table.Get(hash, now)
		if ok && v != uint16(uint8(hash>>20)) {
			t.Errorf("Get of %#x = %d; want %d", hash, v, uint16(uint8(hash>>20)))
		}
		if ok {
			found++
		}
	}
	if found > ways*sets || found < ways*sets*9/10 {
		t.Errorf("%d of %d hashes are there; want about %d", found, len(hashes), ways*sets)
	}
	one := NewTable()
	one.Put(hashes[0], 1, now.Add(time.Hour))
	for bit := range 64 {
		if isCompared := bit < 13 || bit >= tagAt; isCompared && isThere(one, hashes[0]^1<<bit, now) {
			t.Errorf("a hash was found that differs in bit %d", bit)
		}
	}
}

func isThere(table *Table, hash uint64, now time.Time) bool {
	_, ok := table.Get(hash, now)
	return ok
}

// TestPutFirst has the rules of who is first.
func TestPutFirst(t *testing.T) {
	const hash = 42
	table := NewTable()
	at := func(seconds int) time.Time { return table.began.Add(time.Duration(seconds) * time.Second) }
	for _, tc := range []struct {
		about string
		hash  uint64
		value uint16
		now   int
		want  bool
	}{
		{"the first", hash, 1, 0, true},
		{"another value", hash, 28, 1, false},
		{"the same again, which makes it last", hash, 1, 3, true},
		{"another value, when the first would have expired", hash, 28, 5, false},
		{"when it has expired", hash, 28, 8, true},
		{"the first one, now too late", hash, 1, 9, false},
		{"another hash of the set", hash + 1<<40, 1, 9, true},
	} {
		if got := table.PutFirst(tc.hash, tc.value, at(tc.now), at(tc.now+5)); got != tc.want {
			t.Errorf("%s: PutFirst = %v; want %v", tc.about, got, tc.want)
		}
	}
}

// TestPutFirstAtOnce has two goroutines put different values at a time: at most one of them does, and its value is there.
func TestPutFirstAtOnce(t *testing.T) {
	table := NewTable()
	now := table.began
	for hash := range uint64(5_000) {
		values := []uint16{1, 28}
		var won atomic.Int64
		var winner atomic.Uint32
		var ready sync.WaitGroup
		var done sync.WaitGroup
		ready.Add(len(values))
		for _, value := range values {
			done.Go(func() {
				ready.Done()
				ready.Wait()
				if table.PutFirst(hash, value, now, now.Add(time.Minute)) {
					won.Add(1)
					winner.Store(uint32(value))
				}
			})
		}
		done.Wait()
		v, ok := table.Get(hash, now)
		if won.Load() != 1 || !ok || uint32(v) != winner.Load() {
			t.Fatalf("%d won, the last of them %d; there is %d, %v; want one winner, whose value is there", won.Load(), winner.Load(), v, ok)
		}
	}
}

// TestTableAtOnce reads and writes few slots from many goroutines: what is found is what somebody put.
func TestTableAtOnce(t *testing.T) {
	table := NewTable()
	now := table.began
	var wg sync.WaitGroup
	for n := range uint64(8) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(4, n))
			for range 20_000 {
				hash := rng.Uint64()&7<<40 | rng.Uint64()&3
				value := uint16(hash>>40&7 ^ hash&3)
				if v, ok := table.Get(hash, now); ok && v != value {
					t.Errorf("Get of %#x = %d; want %d", hash, v, value)
					return
				}
				table.Put(hash, value, now.Add(time.Minute))
			}
		})
	}
	wg.Wait()
}

// TestTableKeepsAllAtOnce puts what one set has room for from many goroutines at the same instant: nothing may be lost, as a
// client that asks for both halves at once would be taken for one that asks for one.
func TestTableKeepsAllAtOnce(t *testing.T) {
	for range 500 {
		table := NewTable()
		now := table.began
		var ready, done sync.WaitGroup
		ready.Add(ways)
		for n := range uint64(ways) {
			done.Go(func() {
				ready.Done()
				ready.Wait()
				table.Put(n<<tagAt, uint16(n), now.Add(time.Minute))
			})
		}
		done.Wait()
		for n := range uint64(ways) {
			if v, ok := table.Get(n<<tagAt, now); !ok || v != uint16(n) {
				t.Fatalf("value %d is %d, %v; want all that were put", n, v, ok)
			}
		}
	}
}
