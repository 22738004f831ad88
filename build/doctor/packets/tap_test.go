package packets

import (
	"bytes"
	"testing"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/proto"
)

// tapOf returns a message as the dnstap plugin of CoreDNS makes it: it does not name the server.
func tapOf(kind dnstap.Message_Type, msg []byte) *dnstap.Message {
	family, over := dnstap.SocketFamily_INET, dnstap.SocketProtocol_UDP
	m := &dnstap.Message{Type: &kind, SocketFamily: &family, SocketProtocol: &over, QueryAddress: client4.Addr().AsSlice(), QueryPort: proto.Uint32(40000)}
	if kind == dnstap.Message_CLIENT_RESPONSE {
		m.ResponseMessage, m.ResponseTimeSec, m.ResponseTimeNsec = msg, proto.Uint64(1700000000), proto.Uint32(5_000_000)
	} else {
		m.QueryMessage, m.QueryTimeSec, m.QueryTimeNsec = msg, proto.Uint64(1700000000), proto.Uint32(1_000_000)
	}
	return m
}

func tapQuery(id uint16) *dnstap.Message {
	return tapOf(dnstap.Message_CLIENT_QUERY, message(id, false))
}

func tapReply(id uint16) *dnstap.Message {
	return tapOf(dnstap.Message_CLIENT_RESPONSE, message(id, true))
}

func tapFile(t testing.TB, all ...*dnstap.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := framestream.NewWriter(&b, &framestream.WriterOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		kind := dnstap.Dnstap_MESSAGE
		frame, err := proto.Marshal(&dnstap.Dnstap{Type: &kind, Message: m})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteFrame(frame); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTap(t *testing.T) {
	const both = "udp query 192.0.2.7:40000 0.0.0.0:53 1\nudp reply 192.0.2.7:40000 0.0.0.0:53 1\n"
	tls := tapQuery(1)
	over := dnstap.SocketProtocol_DOT
	tls.SocketProtocol = &over
	for _, tc := range []struct {
		about  string
		file   []byte
		events string
		counts Counts
	}{
		{"a query and a reply", tapFile(t, tapQuery(1), tapReply(1)), both, Counts{Packets: 2, Messages: 2}},
		{"without the messages, as without \"full\"", tapFile(t, tapOf(dnstap.Message_CLIENT_QUERY, nil)), "", Counts{Packets: 1, Bare: 1}},
		{"what CoreDNS asks", tapFile(t, tapOf(dnstap.Message_FORWARDER_QUERY, message(1, false))), "", Counts{Packets: 1, Other: 1}},
		{"over TLS", tapFile(t, tls), "", Counts{Packets: 1, Other: 1}},
		{"a frame without a message", tapFile(t, nil), "", Counts{Packets: 1, Broken: 1}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if got, counts, err := events(tc.file); got != tc.events || counts != tc.counts || err != nil {
				t.Errorf("events = %q, %+v, %v; want %q, %+v", got, counts, err, tc.events, tc.counts)
			}
		})
	}
}

func TestTapTimes(t *testing.T) {
	r, err := NewReader(bytes.NewReader(tapFile(t, tapQuery(1), tapReply(1))), []uint16{53})
	if err != nil {
		t.Fatal(err)
	}
	var at []time.Duration
	if err := r.Read(func(e *Event) { at = append(at, e.At-1700000000*time.Second) }); err != nil || len(at) != 2 || at[0] != time.Millisecond || at[1] != 5*time.Millisecond {
		t.Errorf("times %v, %v; want 1 ms and 5 ms", at, err)
	}
}
