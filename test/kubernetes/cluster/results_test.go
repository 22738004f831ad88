//go:build rollouts

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node/victim/load"
)

// row is what was measured of one change of one shape, in all runs together.
type row struct {
	Mode, Shape, Change string
	Runs                int
	Asked, Lost         int
	Lookups, Failed     int
	UnderWay            int           // of those lost
	Slowest             time.Duration // lookup
	SlowestQuery        time.Duration // of those with an answer
}

// same reports whether two rows are of the same change.
func (r row) same(o row) bool { return r.Mode == o.Mode && r.Shape == o.Shape && r.Change == o.Change }

// results is a table that is written after each change, if it is to be: what was measured stays when a run is cut short.
type results struct {
	rows     []row // of this run
	measured []row // of earlier ones
}

func newResults(t *testing.T) *results {
	t.Helper()
	r := new(results)
	if *out == "" {
		return r
	}
	text, err := os.ReadFile(filepath.Join(*out, "results.json"))
	if err == nil {
		err = json.Unmarshal(text, &r.measured)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return r
}

// add adds what came of one run.
func (r *results) add(t *testing.T, of row, l load.Result, underWay int) {
	t.Helper()
	i := slices.IndexFunc(r.rows, of.same)
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, of)
	}
	sum := &r.rows[i]
	sum.Runs++
	sum.UnderWay += underWay
	sum.Asked += l.Asked
	sum.Lost += l.Lost
	sum.Lookups += l.Lookups
	sum.Failed += l.Failed
	sum.Slowest = max(sum.Slowest, l.SlowestLookup)
	sum.SlowestQuery = max(sum.SlowestQuery, l.Slowest)
	if *out == "" {
		return
	}
	if err := r.write(*out); err != nil {
		t.Error(err)
	}
}

// write puts the rows of this run in the place of earlier ones.
func (r *results) write(dir string) error {
	all := slices.DeleteFunc(slices.Clone(r.measured), func(old row) bool { return slices.ContainsFunc(r.rows, old.same) })
	all = append(all, r.rows...)
	slices.SortStableFunc(all, func(a, b row) int { return order(a) - order(b) })
	text, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "results.md"), []byte(table(all)), 0o644)
}

// order is where a row stands in the table.
func order(r row) int {
	list := []string{kubeadm.about, replace.about, upstream.about, stub.about, nodeLocal.about, nodeFront.about}
	return slices.Index(list, r.Shape)*100 + slices.IndexFunc(changes, func(c change) bool { return c.about == r.Change })*2 +
		strings.Index("nftables iptables", r.Mode)/9
}

// table is the page.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString(introduction)
	shape := ""
	for _, r := range rows {
		if r.Shape != shape {
			shape = r.Shape
			fmt.Fprintf(&b, "\n## %s\n\n| change | kube-proxy | runs | queries lost | of them under way | slowest answer | lookups failed | slowest lookup |\n|---|---|---:|---:|---:|---:|---:|---:|\n",
				strings.ToUpper(shape[:1])+shape[1:])
		}
		underWay := "" // of a server that is gone, nothing is told apart
		if planned(r.Change) && r.UnderWay <= chance*r.Runs {
			underWay = strconv.Itoa(r.UnderWay)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d of %d | %s | %s | %d of %d | %s |\n",
			r.Change, r.Mode, r.Runs, r.Lost, r.Asked, underWay, seconds(r.SlowestQuery), r.Failed, r.Lookups, seconds(r.Slowest))
	}
	return b.String()
}

// seconds is empty for what was not measured.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f s", d.Seconds())
}

func planned(about string) bool {
	return slices.ContainsFunc(changes, func(c change) bool { return c.about == about && c.outage == 0 })
}

const introduction = `# Rollouts

What pods notice when the servers that they use are changed, on a real cluster of two nodes (kubelet, kube-proxy, containerd), with
the manifests of [build/kustomize](../../../build/kustomize). For comparison, stock CoreDNS runs in the same image with the settings
of kubeadm and of NodeLocal DNSCache. Meanwhile, 50 long-lived sockets in 5 pods send a query every 100 ms, and getaddrinfo of four
versions of musl and of glibc looks names up. A query is lost if it fails, or has no answer within 2.5 s, when musl repeats it.
Except for a Service, no name is in a cache.

kube-proxy keeps sending a long-lived socket to a server that is stopping, as long as that server says that it is ready. Then it
forgets the flow, and the next query goes to another server. The answer to a query in flight at that moment is lost, whatever the
server is. These queries have their own column, and there are more of them on a busy machine, where answers take longer. A socket
for a single lookup, as musl and glibc use them, rarely meets such a moment, and its client repeats the query. In the shapes
upstream and stub, such a query is late rather than lost, because the cluster's DNS repeats it after 2 s.

In node-front, a new server shares the address with the old one. Before the old one ends, it finishes its queries and reads no more:
queries sent to it in these milliseconds are lost. On a busy machine, or behind a slow upstream, this takes longer, up to a second.

A server that is killed, or ended because it hangs, is restarted at once the first time. If it happens again within ten minutes, the
kubelet waits 10 s, then 20 s and more. The first time is measured here. What pods may miss then is the time that the probes need
to notice; the manifests give the reasons for their values.

Measured on two processors that also did other work, with one cluster for each mode of kube-proxy at the same time.

` + "`make rollouts`" + ` measures it again.
`
