package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// recorder is a small tcpdump: it writes all packets of the loopback interface into memory.
type recorder struct {
	fd   int
	out  bytes.Buffer
	file *pcapgo.Writer
	done sync.WaitGroup
}

// record begins to record. What is not of the interface is none of its business: the lab has no other.
func record(t *testing.T) *recorder {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(networkOrder(unix.ETH_P_ALL)))
	if err != nil {
		t.Fatalf("packet socket: %v", err)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: lo.Index}))
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<20)
	}
	must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000}))
	r := &recorder{fd: fd}
	r.file = pcapgo.NewWriterNanos(&r.out)
	must(r.file.WriteFileHeader(65535, layers.LinkTypeEthernet))
	stop := make(chan bool)
	r.done.Go(func() { r.run(stop) })
	t.Cleanup(func() {
		select {
		case <-stop:
		default:
			close(stop)
		}
		r.done.Wait()
		unix.Close(fd)
	})
	return r
}

func networkOrder(x uint16) uint16 { return x<<8 | x>>8 }

// run reads packets. On loopback each one is seen on its way out and on its way in; the latter is left out.
func (r *recorder) run(stop <-chan bool) {
	packet, control := make([]byte, 1<<17), make([]byte, 256)
	for {
		n, cn, _, from, err := unix.Recvmsg(r.fd, packet, control, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			select {
			case <-stop:
				return
			default:
				continue
			}
		}
		if err != nil {
			return
		}
		if sa, ok := from.(*unix.SockaddrLinklayer); ok && sa.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		ci := gopacket.CaptureInfo{Timestamp: stamp(control[:cn]), CaptureLength: n, Length: n}
		if r.file.WritePacket(ci, packet[:n]) != nil {
			return
		}
	}
}

// stamp returns when the kernel saw a packet.
func stamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 || len(messages[0].Data) < 16 {
		return time.Now()
	}
	sec := int64(binary.NativeEndian.Uint64(messages[0].Data))
	return time.Unix(sec, int64(binary.NativeEndian.Uint64(messages[0].Data[8:])))
}

// stop ends the recording and returns it. It fails if packets were lost.
func (r *recorder) stop(t *testing.T) []byte {
	t.Helper()
	time.Sleep(300 * time.Millisecond) // what is still in the socket
	stats, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Drops > 0 {
		t.Fatalf("%d packets were not recorded", stats.Drops)
	}
	_ = unix.Shutdown(r.fd, unix.SHUT_RDWR)
	return r.out.Bytes()
}
