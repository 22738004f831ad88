package ask

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// stream asks over a TCP connection of its own.
func (a *Asker) stream(q stub.Query) stub.Reply {
	began := time.Now()
	c, err := a.dial("tcp", q)
	if err != nil {
		return unreachable(err, time.Since(began))
	}
	defer c.Close()
	_ = c.SetDeadline(began.Add(a.options.Timeout))
	id := uint16(rand.Uint32())
	msg, err := exchangeTCP(c, q.Wire(id))
	if err != nil {
		return broken(err, time.Since(began))
	}
	if len(msg) >= 2 && binary.BigEndian.Uint16(msg) != id {
		return stub.Reply{} // not a reply to this question, and nothing else comes
	}
	return stub.Reply{Fate: stub.Answered, Bytes: msg, Delay: time.Since(began)}
}

// exchangeTCP sends a message and reads one, each behind its length.
func exchangeTCP(c net.Conn, question []byte) ([]byte, error) {
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(c, msg)
	return msg, err
}

// broken says how a connection ended without an answer.
func broken(err error, delay time.Duration) stub.Reply {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return stub.Reply{Fate: stub.Closed, Delay: delay}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return stub.Reply{Fate: stub.Reset, Delay: delay}
	}
	return stub.Reply{}
}
