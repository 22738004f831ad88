// Package upstream is a scripted DNS server for tests. What it does with a question is a value, so that the
// same script can answer real libcs over UDP and TCP and, as a pure function, the models of plugin/pkg/stub.
package upstream

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Answer is what the server says to a question.
type Answer uint8

// The answers. The first ten are the rows and columns of the matrix; TCEmpty and TCSome are complete over TCP.
const (
	Data     Answer = iota // Behaviour.Count addresses
	NoData                 // NOERROR, SOA
	NXDomain               // NXDOMAIN, SOA
	ServFail
	Refused
	NotImp
	FormErr
	Silence
	TCEmpty // UDP: TC and no record; TCP: 3 addresses
	TCSome  // UDP: TC and one address; TCP: 3 addresses

	CNAMEOnly  // NOERROR with a CNAME and nothing at its target
	NXData     // NXDOMAIN with an address in it
	OtherType  // the address is an A for AAAA, and the other way round
	OtherOwner // the address belongs to another name
	OddFirst   // a CAA record before the address
	BadSize    // an address, then one of 5 octets, then another address
	Cut        // three addresses, but the last two octets of the message are missing
	NoQuestion // data, but the question section is empty
	Echo       // the question comes back as it went, QR clear
	BadVers    // an extended return code: NOERROR in the header
	Lame       // NOERROR, nothing in it, neither AA nor RA
	Short      // 8 octets
	Tiny       // 3 octets
	Mangled    // three addresses behind two CNAMEs, with some octets changed; Behaviour.Count chooses which
	Garbage    // a header that promises records, and octets that are none
)

var answerWords = []string{
	"data", "nodata", "nxdomain", "servfail", "refused", "notimp", "formerr", "silence", "tcempty", "tcsome",
	"cnameonly", "nxdata", "othertype", "otherowner", "oddfirst", "badsize", "cut", "noquestion", "echo", "badvers",
	"lame", "short", "tiny", "mangled", "garbage",
}

// String returns the word that Parse reads.
func (a Answer) String() string { return answerWords[a] }

// Pairable returns the ten answers that the matrix combines.
func Pairable() []Answer {
	return []Answer{Data, NoData, NXDomain, ServFail, Refused, NotImp, FormErr, Silence, TCEmpty, TCSome}
}

// HasAddress reports whether this is a proper answer with addresses, at the latest over TCP.
func (a Answer) HasAddress() bool { return a == Data || a == TCEmpty || a == TCSome }

// A Stream is what happens to a question over TCP, if not the same as over UDP.
type Stream uint8

// The ways in which TCP goes.
const (
	SameOverTCP Stream = iota // the whole answer
	CloseTCP                  // read, then closed
	ResetTCP                  // read, then reset
	StallTCP                  // read, never answered
	ServFailTCP
	RefusedTCP
	TruncateTCP // answered with TC and no record
	ShortTCP    // answered with 12 octets
)

var streamWords = []string{"", "xclose", "xreset", "xstall", "xservfail", "xrefused", "xtruncate", "xshort"}

// The limits of a Behaviour.
const (
	maxCount    = 2000
	maxLinks    = 100
	minLinkSize = 20
	maxLinkSize = 255
)

// A Behaviour is what the server does with a question. The zero value answers with one address, at once.
type Behaviour struct {
	Answer   Answer
	Count    int           // addresses; 0 means 1, or 3 for TCEmpty and TCSome
	Links    int           // CNAMEs in front of the addresses, or of NXDomain: an alias that leads nowhere
	LinkSize int           // octets of each CNAME's target on the wire, 20 to 255; 0 means 20
	Delay    time.Duration // before the answer
	Once     bool          // the delay counts from the first question, as at a resolver that has the answer from then on
	Fails    int           // the first questions of this name and type are answered with FailsWith
	FailWith Answer
	Uncut    bool // over UDP, no truncation however large
	TCP      Stream
}

// Parse reads a behaviour from a label: the answer's word, then any of
// nCOUNT cLINKS lLINKSIZE dMILLISECONDS once fFAILSanswer u xTCP, joined with "-".
// "data-n40-d100-f2servfail" is: SERVFAIL twice, then 40 addresses, each after 0.1 s.
func Parse(label string) (Behaviour, error) {
	words := strings.Split(strings.ToLower(label), "-")
	var b Behaviour
	var ok bool
	if b.Answer, ok = parseAnswer(words[0]); !ok {
		return b, fmt.Errorf("%q: no such answer; known are %s", words[0], strings.Join(answerWords, ", "))
	}
	for _, w := range words[1:] {
		if !b.modify(w) {
			return b, fmt.Errorf("%q: no such word in a behaviour", w)
		}
	}
	return b, nil
}

func parseAnswer(word string) (Answer, bool) {
	i := slices.Index(answerWords, word)
	return Answer(max(i, 0)), i >= 0
}

// modify reads one word behind the answer.
func (b *Behaviour) modify(w string) bool {
	if i := slices.Index(streamWords, w); i > 0 {
		b.TCP = Stream(i)
		return true
	}
	switch w {
	case "u":
		b.Uncut = true
		return true
	case "once":
		b.Once = true
		return true
	case "":
		return false
	}
	digits := strings.TrimRight(w[1:], "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return false
	}
	return b.number(w[0], n, w[1+len(digits):])
}

// number sets what a letter stands for; only failures have a word behind their number. Larger numbers than these
// do not fit a message.
func (b *Behaviour) number(letter byte, n int, word string) (ok bool) {
	if letter == 'f' {
		b.Fails = n
		b.FailWith, ok = parseAnswer(word)
		return ok
	}
	switch {
	case word != "":
		return false
	case letter == 'n' && n <= maxCount:
		b.Count = n
	case letter == 'c' && n <= maxLinks:
		b.Links = n
	case letter == 'l' && minLinkSize <= n && n <= maxLinkSize:
		b.LinkSize = n
	case letter == 'd':
		b.Delay = time.Duration(n) * time.Millisecond
	default:
		return false
	}
	return true
}

// String returns the label that Parse reads.
func (b Behaviour) String() string {
	words := []string{b.Answer.String()}
	number := func(letter string, n int, suffix string) {
		if n > 0 {
			words = append(words, letter+strconv.Itoa(n)+suffix)
		}
	}
	number("n", b.Count, "")
	number("c", b.Links, "")
	number("l", b.LinkSize, "")
	number("d", int(b.Delay/time.Millisecond), "")
	if b.Once {
		words = append(words, "once")
	}
	number("f", b.Fails, b.FailWith.String())
	if b.Uncut {
		words = append(words, "u")
	}
	if b.TCP != SameOverTCP {
		words = append(words, streamWords[b.TCP])
	}
	return strings.Join(words, "-")
}
