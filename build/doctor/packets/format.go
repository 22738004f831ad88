package packets

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxPacket is the size of the largest packet that is read, as in tcpdump.
const maxPacket = 262144

// bufferSize is how much of a file is read at once.
const bufferSize = 1 << 18

// frame is one packet as it is in a file.
type frame struct {
	at   time.Duration // since 1970
	link uint32        // see links
	data []byte        // valid until the next frame
	cut  bool          // it was longer on the wire
}

// source returns one packet after the other, and io.EOF behind the last one.
type source interface {
	next() (frame, error)
}

// accepted ends the errors about formats.
const accepted = "expect pcap or pcapng (tcpdump -w), or dnstap, also compressed with gzip"

// open tells the format from the first octets: names of files say little, and a pipe has none. The result is a source or
// a *tap.
func open(in io.Reader) (any, error) {
	r := bufio.NewReaderSize(in, bufferSize)
	magic, err := r.Peek(12)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(magic) == 0 {
		return nil, errors.New("there is nothing in it; " + accepted)
	}
	if magic[0] == 0x1f && len(magic) > 1 && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w; %s", err, accepted)
		}
		r = bufio.NewReaderSize(unzipped, bufferSize)
		if magic, err = r.Peek(12); len(magic) == 0 {
			return nil, fmt.Errorf("gzip: %w; %s", err, accepted)
		}
	}
	return openPlain(r, magic)
}

func openPlain(r *bufio.Reader, magic []byte) (any, error) {
	if len(magic) < 12 {
		return nil, fmt.Errorf("no capture: %d octets; %s", len(magic), accepted)
	}
	switch binary.BigEndian.Uint32(magic) {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1:
		return newPcap(r)
	case ngSection:
		return newPcapng(r)
	case 0: // Frame Streams begin with an escape, a length, and the type of a control frame
		if binary.BigEndian.Uint32(magic[8:]) == 2 {
			return newTap(r)
		}
	}
	return nil, fmt.Errorf("no capture: it begins with %q; %s", magic[:4], accepted)
}
