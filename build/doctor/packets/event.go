// Package packets finds DNS messages in captures of network traffic: pcap, pcapng and dnstap files, or a stream of one of
// them. It says who asked whom, when, and what came back, over UDP and TCP.
package packets

import (
	"net/netip"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Kind says what happened.
type Kind uint8

// The kinds of events. The last three have no message, but for Refused over UDP.
const (
	Query   Kind = iota // the client sent a message
	Reply               // the server sent a message
	Opened              // the client asks for a connection
	Refused             // nobody listens: an ICMP error that quotes the query, or a connection that never stood
	Closed              // the server closed the connection
	Reset               // the server reset the connection
)

// An Event is something that a client can notice, or has done itself.
type Event struct {
	At             time.Duration // since 1970
	Kind           Kind
	Client, Server netip.AddrPort
	Transport      stub.Transport
	Message        []byte // without TCP's length; valid until the next event
	Cut            bool   // the capture has fewer octets than were sent
	Hops           uint8  // that the packet may still take; 0 if that is not known
}

// Counts say what was in a capture.
type Counts struct {
	Packets   int64 `json:"packets"`
	Messages  int64 `json:"messages"`  // of DNS
	Other     int64 `json:"other"`     // packets that are not DNS
	Fragments int64 `json:"fragments"` // of IP packets: skipped
	Cut       int64 `json:"cut"`       // messages that the capture has in part only
	Broken    int64 `json:"broken"`    // packets that cannot be read
	Lost      int64 `json:"lost"`      // TCP connections given up, as segments are missing
	Bare      int64 `json:"bare"`      // dnstap messages without the DNS message
}
