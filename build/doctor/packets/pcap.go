package packets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// zeroCopy is what both readers of pcapgo do.
type zeroCopy interface {
	ZeroCopyReadPacketData() (data []byte, ci gopacket.CaptureInfo, err error)
}

// pcap is a file of tcpdump.
type pcap struct {
	in   *pcapgo.Reader
	link uint32
}

func newPcap(r *bufio.Reader) (*pcap, error) {
	header, err := r.Peek(24)
	if err != nil {
		return nil, errors.New("pcap: the file ends within its header")
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if header[0] == 0xa1 {
		order = binary.BigEndian
	}
	link := order.Uint32(header[20:]) & 0xffff // above that, flags and the length of a checksum
	if err := checkLink(link); err != nil {
		return nil, err
	}
	in, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("pcap: %w", err)
	}
	in.SetSnaplen(maxPacket) // what the header says may be 0, or absurd
	return &pcap{in, link}, nil
}

func (p *pcap) next() (frame, error) { return read(p.in, func(int) uint32 { return p.link }) }

// pcapng is a file of dumpcap, Wireshark, or Inspektor Gadget.
type pcapng struct {
	in     *pcapgo.NgReader
	blocks *blocks
}

func newPcapng(r *bufio.Reader) (p *pcapng, err error) {
	defer recovered(&err)
	b := &blocks{in: r}
	in, err := pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		return nil, fmt.Errorf("pcapng: %w", err)
	}
	return &pcapng{in, b}, nil
}

func (p *pcapng) next() (frame, error) {
	f, err := read(p.in, p.blocks.link)
	switch {
	case err == nil:
		err = checkLink(f.link)
	case p.blocks.err != nil:
		err = p.blocks.err
	}
	return f, err
}

// read reads the next packet. Its link type is found by the number of its interface.
func read(in zeroCopy, link func(int) uint32) (f frame, err error) {
	defer recovered(&err)
	data, ci, err := in.ZeroCopyReadPacketData()
	if err != nil {
		return frame{}, err
	}
	return frame{time.Duration(ci.Timestamp.UnixNano()), link(ci.InterfaceIndex), data, ci.CaptureLength < ci.Length}, nil
}

// recovered makes an error of a panic: pcapgo divides by numbers that it finds in files.
func recovered(err *error) {
	if x := recover(); x != nil {
		*err = fmt.Errorf("broken: %v", x)
	}
}

// ended reports whether an error is the end of the file, wherever it comes.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
