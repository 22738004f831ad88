package promise

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// flight is a query on its way to the handler and back.
type flight struct {
	began time.Time
	reply *stub.Reply // nil as long as it is on its way
}

// look resolves a name with a model whose queries reach the handler when they are sent, so that it sees both halves of a
// pair at once, and asked again when clients ask again. A model wants to know at once what becomes of a query. So it
// starts from the beginning whenever something has come, until it has all that it needs: what is still on its way is
// silence as yet. Call it in a bubble of synctest.
func look(model *stub.Model, conf stub.Config, name string, family stub.Family, h plugin.Handler) stub.Result {
	began := time.Now()
	flights := map[stub.Query]*flight{}
	var mu sync.Mutex
	landed := make(chan struct{}, 1)
	for {
		synctest.Wait() // all that comes at this moment has come
		now, wake := time.Since(began), time.Duration(math.MaxInt64)
		var due []stub.Query
		mu.Lock()
		result := model.Lookup(conf, name, family, func(q stub.Query) stub.Reply {
			f := flights[q]
			switch {
			case f == nil && q.At <= now:
				due = append(due, q)
			case f == nil:
				wake = min(wake, q.At)
			case f.reply != nil:
				return *f.reply
			}
			return stub.Reply{}
		})
		mu.Unlock()
		wake = min(wake, result.Elapsed)
		if len(due) == 0 && wake <= now {
			return result
		}
		for _, q := range due {
			f := &flight{began: time.Now()}
			flights[q] = f
			go func() {
				reply := exchange(h, q)
				reply.Delay = time.Since(f.began)
				mu.Lock()
				f.reply = &reply
				mu.Unlock()
				select {
				case landed <- struct{}{}:
				default:
				}
			}()
		}
		if len(due) > 0 {
			continue
		}
		select {
		case <-landed:
		case <-time.After(wake - now):
		}
	}
}

// exchange puts a query to a handler, as a server on UDP and TCP does: what is not written is an error with the return
// code, and what does not fit is cut.
func exchange(h plugin.Handler, q stub.Query) stub.Reply {
	r := new(dns.Msg)
	if err := r.Unpack(q.Wire(1)); err != nil {
		return stub.Reply{Fate: stub.Answered, Bytes: []byte{0, 1, 0x81, dns.RcodeFormatError, 0, 0, 0, 0, 0, 0, 0, 0}}
	}
	nw := &first{ResponseWriter: &test.ResponseWriter{TCP: q.Transport == stub.TCP}, replies: make(chan *dns.Msg, 2)}
	go func() {
		w := request.NewScrubWriter(r, nw)
		rcode, _ := h.ServeDNS(context.Background(), w, r)
		if !plugin.ClientWrite(rcode) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(r, rcode))
		}
		nw.once.Do(func() { nw.replies <- nil })
	}()
	m := <-nw.replies
	if m == nil {
		return stub.Reply{}
	}
	wire, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return stub.Reply{Fate: stub.Answered, Bytes: wire}
}

// first is a client that gets the first reply as soon as it is written, while the plugin may be busy for longer.
type first struct {
	dns.ResponseWriter
	replies chan *dns.Msg
	once    sync.Once
}

// WriteMsg implements [dns.ResponseWriter].
func (w *first) WriteMsg(m *dns.Msg) error {
	w.once.Do(func() { w.replies <- m })
	return nil
}

// config is what a model makes of a resolv.conf.
func config(t *testing.T, model *stub.Model, resolvConf string) stub.Config {
	t.Helper()
	conf, err := model.ParseResolvConf(strings.NewReader(resolvConf))
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

// forwarder stands for the forward plugin: it puts a query to a script, asks again where nothing comes back for two
// seconds, and then gives up. It counts how often each question is asked.
type forwarder struct {
	script *upstream.Script

	mu    sync.Mutex
	asked map[dns.Question]int
}

func forward(script *upstream.Script) *forwarder {
	return &forwarder{script: script, asked: map[dns.Question]int{}}
}

// forget starts to count from the beginning.
func (f *forwarder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.asked)
}

// ServeDNS implements [plugin.Handler].
func (f *forwarder) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := stub.Query{Name: r.Question[0].Name, Type: r.Question[0].Qtype, Server: server}
	if (&request.Request{W: w, Req: r}).Proto() == "tcp" {
		q.Transport = stub.TCP
	}
	for range 2 {
		q.Attempt = f.count(r.Question[0])
		reply := f.script.Exchange(q)
		if reply.Fate != stub.Answered {
			time.Sleep(2 * time.Second)
			continue
		}
		time.Sleep(reply.Delay)
		m := new(dns.Msg)
		if err := m.Unpack(reply.Bytes); err != nil {
			return dns.RcodeServerFailure, err
		}
		m.Id = r.Id
		return dns.RcodeSuccess, w.WriteMsg(m)
	}
	return dns.RcodeServerFailure, errors.New("i/o timeout")
}

func (f *forwarder) count(q dns.Question) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	q.Name = strings.ToLower(q.Name)
	f.asked[q]++
	return f.asked[q]
}

// Name implements [plugin.Handler].
func (f *forwarder) Name() string { return "forward" }
