// Package querylog counts what the log plugin of CoreDNS wrote: how much of the traffic are leaks, steps of a search
// and pairs.
package querylog

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// blockSize is how much is read at once. A longer line is no line of the log plugin.
const blockSize = 1 << 20

// A Reader counts the lines of logs, on all processors, in constant memory.
type Reader struct {
	names *names.Suffixes
	done  atomic.Int64
}

// NewReader returns a Reader for the names of clients that append these suffixes.
func NewReader(suffixes *names.Suffixes) *Reader { return &Reader{names: suffixes} }

// Done returns how many octets were read so far.
func (r *Reader) Done() int64 { return r.done.Load() }

// Count reads to the end. An error comes with the counts of what was read before it.
func (r *Reader) Count(in io.Reader) (*Stats, error) {
	blocks := make(chan string, runtime.GOMAXPROCS(0))
	seed := maphash.MakeSeed()
	total := new(Stats)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c := newCounter(r.names, seed)
			for text := range blocks {
				c.block(text)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(&c.Stats)
		})
	}
	err := r.read(in, blocks)
	close(blocks)
	wg.Wait()
	return total, err
}

// read cuts the input into blocks that end with a line.
func (r *Reader) read(in io.Reader, blocks chan<- string) error {
	buf := make([]byte, blockSize)
	kept := 0 // octets of an unfinished line at the beginning
	for {
		n, err := io.ReadFull(in, buf[kept:])
		r.done.Add(int64(n))
		full := buf[:kept+n]
		if err != nil {
			blocks <- string(full)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
		end := bytes.LastIndexByte(full, '\n') + 1
		if end == 0 {
			end = len(full) // a line without an end
		}
		blocks <- string(full[:end])
		kept = copy(buf, full[end:])
	}
}
