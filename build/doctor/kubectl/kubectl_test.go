package kubectl

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
)

func TestCommand(t *testing.T) {
	tests := []struct {
		kubectl Kubectl
		want    string
	}{
		{Kubectl{}, "kubectl --request-timeout=30s get pods"},
		{Kubectl{Kubeconfig: "a b", Context: "c", Namespace: "d"}, "kubectl --request-timeout=30s --kubeconfig=a b --context=c --namespace=d get pods"},
	}
	for _, tc := range tests {
		if got := strings.Join(tc.kubectl.command(t.Context(), []string{"get", "pods"}).Args, " "); got != tc.want {
			t.Errorf("%+v: %s; want %s", tc.kubectl, got, tc.want)
		}
	}
}

func TestItems(t *testing.T) {
	tests := []struct {
		about, text string
		want        []string
		err         string
	}{
		{"a list", `{"apiVersion":"v1","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"later":[1]}],"kind":"List","metadata":{"resourceVersion":""}}`, []string{"a", "b"}, ""},
		{"an empty list", `{"items":[],"kind":"List"}`, nil, ""},
		{"no list", `{"kind":"Status"}`, nil, ""},
		{"nothing", "", nil, "EOF"},
		{"no object", "[]", nil, "no JSON object"},
		{"items that are none", `{"items":{}}`, nil, "items that are no list"},
		{"an item that is none", `{"items":[{"metadata":{"name":"a"}},7]}`, []string{"a"}, "cannot unmarshal number"},
		{"cut off", `{"items":[{"metadata":{"name":"a"}},{"meta`, []string{"a"}, "EOF"},
	}
	for _, tc := range tests {
		var got []string
		err := items(strings.NewReader(tc.text), func(n cluster.Namespace) { got = append(got, n.Metadata.Name) })
		if !slices.Equal(got, tc.want) || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %q, %v; want %q, %q", tc.about, got, err, tc.want, tc.err)
		}
	}
}

// A list of pods of any length takes no more memory than the settings that differ.
func TestLongList(t *testing.T) {
	const count = 10_000
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `{"items":[`)
		for i := range count {
			if i > 0 {
				_, _ = io.WriteString(w, ",")
			}
			_, _ = fmt.Fprintf(w, `{"metadata":{"name":"web-%d","namespace":"shop","annotations":{"long":%q},"ownerReferences":[{"kind":"StatefulSet","name":"web"}]},"spec":{"dnsPolicy":"ClusterFirst"}}`,
				i, strings.Repeat("x", 4000))
		}
		_, _ = io.WriteString(w, "]}")
		w.Close()
	}()
	pods := cluster.NewPods()
	if err := items(r, pods.Add); err != nil || pods.Count() != count {
		t.Fatalf("%d pods, %v; want %d", pods.Count(), err, count)
	}
	runtime.GC()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapAlloc > 10<<20 {
		t.Errorf("%d MB in use after 40 MB of pods; want less than 10", m.HeapAlloc>>20)
	}
	runtime.KeepAlive(pods)
}
