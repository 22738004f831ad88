package packets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The blocks of pcapng that have to do with packets.
const (
	ngSection   = 0x0a0d0d0a
	ngInterface = 1
	ngPacket    = 2 // obsolete
	ngSimple    = 3
	ngEnhanced  = 6

	ngMagic      = 0x1a2b3c4d
	maxBlock     = maxPacket + 1<<16
	maxDescribed = 4 << 20 // octets of the descriptions of all interfaces of a section
)

// smallest is how many octets a block has at the least.
var smallest = map[uint32]uint32{ngSection: 28, ngInterface: 20, ngPacket: 32, ngSimple: 16, ngEnhanced: 32}

// blocks hands a pcapng file to pcapgo block by block, without those that it does not need. pcapgo believes each length in
// a file; blocks has checked them.
type blocks struct {
	in        *bufio.Reader
	order     binary.ByteOrder
	buf, left []byte // the block, and what was not read of it
	links     []uint32
	described uint32
	err       error // what ended the file; pcapgo takes some errors for its regular end
}

// link returns the link type of an interface of this section.
func (b *blocks) link(i int) uint32 {
	if i < 0 || i >= len(b.links) {
		return 0
	}
	return b.links[i]
}

// Read never goes beyond the end of a block, so that the interfaces are those that the packet just read refers to.
func (b *blocks) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		if b.err = b.next(); b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *blocks) next() error {
	head, err := b.in.Peek(12)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if binary.BigEndian.Uint32(head) == ngSection {
		if err := b.begin(head[8:]); err != nil {
			return err
		}
	}
	kind, size := b.order.Uint32(head), b.order.Uint32(head[4:])
	least, wanted := smallest[kind]
	if size < max(least, 12) || size%4 != 0 || wanted && size > maxBlock {
		return fmt.Errorf("a block of type %d has %d octets", kind, size)
	}
	if !wanted {
		_, err := b.in.Discard(int(size))
		return unexpected(err)
	}
	if cap(b.buf) < int(size) {
		b.buf = make([]byte, max(size, 4096))
	}
	b.buf = b.buf[:size]
	if _, err := io.ReadFull(b.in, b.buf); err != nil {
		return unexpected(err)
	}
	b.left = b.buf
	return b.check(kind, size)
}

// begin reads the byte order of a new section.
func (b *blocks) begin(magic []byte) error {
	switch uint32(ngMagic) {
	case binary.LittleEndian.Uint32(magic):
		b.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic):
		b.order = binary.BigEndian
	default:
		return errors.New("a section without a byte order")
	}
	b.links, b.described = b.links[:0], 0
	return nil
}

// check looks at the lengths within a block.
func (b *blocks) check(kind, size uint32) error {
	switch kind {
	case ngInterface:
		if b.described += size; b.described > maxDescribed {
			return errors.New("too many interfaces")
		}
		b.links = append(b.links, uint32(b.order.Uint16(b.buf[8:])))
		b.order.PutUint32(b.buf[12:], min(b.order.Uint32(b.buf[12:]), maxPacket)) // pcapgo allocates that much
	case ngPacket, ngEnhanced:
		if captured := b.order.Uint32(b.buf[20:]); captured > size-32 {
			return fmt.Errorf("a packet of %d octets in a block of %d", captured, size)
		}
	case ngSimple:
		if len(b.links) == 0 {
			return errors.New("a packet of no interface")
		}
		// The packet is as long as it was, or as its interface has it; the block has to hold that.
		if octets := b.order.Uint32(b.buf[8:]); octets > size-16 {
			b.order.PutUint32(b.buf[8:], size-16)
		}
	}
	return nil
}

// unexpected makes an end of the file within a block an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
